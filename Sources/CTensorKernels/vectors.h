// The vectors of a processor level, written with the compiler's vector extensions, so that the code is the same for
// AVX-512, AVX2, SSE and NEON.
//
// VECTOR_LENGTH, the number of elements in a vector, divides 16, the width of a panel.

/// A vector that may be loaded from and stored to any element address.
typedef float vec __attribute__((vector_size(4 * VECTOR_LENGTH), aligned(4)));

#define PANEL_VECTORS (ctk_panel_width / VECTOR_LENGTH)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vec load(const float *x) { return *(const vec *)x; }

INLINE void store(float *x, vec v) { *(vec *)x = v; }

/// Returns a vector of equal numbers. (Subtracting zero is exact and free; adding zero would change -0 to +0.)
INLINE vec splat(float x) { return x - (vec){0}; }
