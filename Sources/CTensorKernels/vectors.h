// Vectors of a processor level, by the compiler's vector extensions: one text for AVX-512, AVX2, SSE and NEON.
//
// VECTOR_LENGTH, a level's number of scalars in a vector, divides 16, the width of a panel.

/// A vector, read and written at any address of a scalar.
typedef float vec __attribute__((vector_size(4 * VECTOR_LENGTH), aligned(4)));

#define PANEL_VECTORS (ctk_panel_width / VECTOR_LENGTH)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vec load(const float *x) { return *(const vec *)x; }

INLINE void store(float *x, vec v) { *(vec *)x = v; }

/// A vector of equal numbers. (The difference to zero is exact and costs nothing; a sum would not keep -0.)
INLINE vec splat(float x) { return x - (vec){0}; }
