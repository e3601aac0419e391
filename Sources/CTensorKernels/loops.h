// The loops of one processor level: included by one file for each, with TABLE the name of the level's table, VECTOR_LENGTH (vectors.h), ROWS and PANELS (products.h), and whether the
// processor converts half-precision numbers.
//
// They are written plainly and vectorised by the compiler. Products and sums may be fused everywhere; sums are
// regrouped only where a loop says so.
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
