// The kernels of one processor level, included by one file per level.
//
// The including file defines TABLE (the name of the level's table), VECTOR_LENGTH (see vectors.h), ROWS and PANELS (see
// products.h) and HAS_HALF_CONVERSION (whether the processor converts half-precision numbers).
//
// The kernels are plain loops that the compiler vectorizes. Multiplications and additions may be fused everywhere; sums
// are reassociated only where a kernel enables it.
#pragma clang fp contract(fast)

#include "exponential.h"
#include "vectors.h"

#include "activations.h"
#include "elementwise.h"
#include "normalization.h"
#include "packing.h"
#include "products.h"
#include "attention.h"
#include "reductions.h"
#include "softmax.h"
#include "winograd.h"

const struct ctk_table TABLE = {
#define ENTRY(name) .name = name,
    CTK_EACH(ENTRY)
#undef ENTRY
};
