#pragma once

#include "CTensorKernels.h"

/// All loops of one processor level.
struct table {
#define LOOP(name) __typeof__(ctk_##name) *name;
#include "names.h"
#undef LOOP
};

extern const struct table ctk_table_portable, ctk_table_avx2, ctk_table_avx512;
