#if defined(__x86_64__)

#include <float.h>
#include <math.h>
#include <string.h>

#include "levels.h"

#define TABLE ctk_avx512
#define VECTOR_LENGTH 16
#define ROWS 14
#define PANELS 2
#define HAS_HALF_CONVERSION 1
#pragma clang attribute push( \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#include "loops.h"
#pragma clang attribute pop

#endif
