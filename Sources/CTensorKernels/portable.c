#include <float.h>
#include <math.h>
#include <string.h>

#include "levels.h"

#define TABLE ctk_portable
#define VECTOR_LENGTH 4
#define PANELS 1
#if defined(__aarch64__)
#define ROWS 6
#define HAS_HALF_CONVERSION 1
#else
#define ROWS 2
#define HAS_HALF_CONVERSION 0
#endif
#include "loops.h"
