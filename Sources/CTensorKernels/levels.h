#pragma once

#include "CTensorKernels.h"

extern const struct ctk_table ctk_portable;
#if defined(__x86_64__)
extern const struct ctk_table ctk_avx2, ctk_avx512;
#endif
