#if defined(__x86_64__)

#include <math.h>
#include <string.h>

#include "levels.h"

#define TABLE ctk_avx2
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "loops.h"
#pragma clang attribute pop

#endif
