#if defined(__x86_64__)

#include <float.h>
#include <math.h>
#include <string.h>

#include "levels.h"

#define TABLE ctk_avx2
#define VECTOR_LENGTH 8
#define ROWS 6
#define PANELS 1
#define HAS_HALF_CONVERSION 1
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "loops.h"
#pragma clang attribute pop

#endif
