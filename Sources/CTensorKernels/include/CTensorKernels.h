// The loops that BLAS does not have, over rows of single-precision numbers.
//
// Each function exists once per processor level (AVX-512, AVX2, portable); the best one that runs here is chosen when
// the program starts. Sizes and strides count scalars. Unless said otherwise arrays do not overlap, and NaN and
// infinity go the way arithmetic sends them.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// y := y + x
void ctk_add(float *y, const float *x, ptrdiff_t n);

/// y := a x + b y
void ctk_axpby(float *y, float a, const float *x, float b, ptrdiff_t n);

/// Each row of y := bias + the row of residual. Either may be null and then counts as zeros.
void ctk_fill_rows(float *y, const float *bias, const float *residual, ptrdiff_t rows, ptrdiff_t columns,
                   ptrdiff_t y_stride, ptrdiff_t residual_stride);

/// Each row := softmax(scale * row), in place.
void ctk_softmax_rows(float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale);

/// The softmax in which row r sees the columns 0...first_row + r only; the others become zero.
void ctk_causal_softmax_rows(float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale,
                             ptrdiff_t first_row);

/// The way back through ctk_softmax_rows: dp := scale * p * (dp - sum(dp * p)) in each row, in place.
void ctk_softmax_vjp_rows(float *dp, const float *p, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale);

/// IEEE half-precision bit patterns to single precision.
void ctk_widen_f16(float *y, const uint16_t *x, ptrdiff_t n);

/// bfloat16 bit patterns to single precision.
void ctk_widen_bf16(float *y, const uint16_t *x, ptrdiff_t n);

/// Tells the processor that the thread is only waiting for another.
static inline void ctk_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
