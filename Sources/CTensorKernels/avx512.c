#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "table.h"

#define TABLE ctk_table_avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c"))), \
                             apply_to = function)
#include "loops.h"
#pragma clang attribute pop
#endif
