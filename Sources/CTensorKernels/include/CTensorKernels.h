// Numeric kernels that BLAS lacks, for rows of single-precision numbers.
//
// Each function exists once per processor level (AVX-512, AVX2, portable); the program selects the best supported level
// when it starts. Sizes and strides count elements. Unless stated otherwise, arrays do not overlap, and NaN and
// infinity propagate as in arithmetic. A function with the suffix vjp is the vector-Jacobian product of the function
// without it: it takes the input x and the gradient dy with respect to the output, and computes the gradient dx with
// respect to the input.
#pragma once

#include <stddef.h>
#include <stdint.h>

// MARK: Elementwise operations

/// y := y + x
void ctk_add(float *y, const float *x, ptrdiff_t n);

/// z := a x + b y
void ctk_combine(float *z, float a, const float *x, float b, const float *y, ptrdiff_t n);

/// z := a (x - y)
void ctk_scaled_difference(float *z, float a, const float *x, const float *y, ptrdiff_t n);

/// y := a x
void ctk_scale(float *y, float a, const float *x, ptrdiff_t n);

/// z := x y
void ctk_multiply(float *z, const float *x, const float *y, ptrdiff_t n);

/// Converts IEEE half-precision bit patterns to single precision.
void ctk_widen_f16(float *y, const uint16_t *x, ptrdiff_t n);

/// Converts bfloat16 bit patterns to single precision.
void ctk_widen_bf16(float *y, const uint16_t *x, ptrdiff_t n);

/// Rounds to half precision, to nearest with ties to even; overflow gives infinity.
void ctk_narrow_f16(uint16_t *y, const float *x, ptrdiff_t n);

/// Rounds to bfloat16, to nearest with ties to even.
void ctk_narrow_bf16(uint16_t *y, const float *x, ptrdiff_t n);

/// Performs one Adam step on the parameters p with the gradient g, with the rounding of torch.optim.Adam: updates the
/// moments m and v with g and its square, then p := p - step m / (sqrt(v) / root + epsilon).
void ctk_adam_step(float *p, float *m, float *v, const float *g, ptrdiff_t n, float one_minus_beta1, float beta2,
                   float one_minus_beta2, float step, float root, float epsilon);

// MARK: Rows

/// Computes y := bias + residual, row by row. A null pointer stands for zeros.
void ctk_fill_rows(float *y, const float *bias, const float *residual, ptrdiff_t rows, ptrdiff_t columns,
                   ptrdiff_t y_stride, ptrdiff_t residual_stride);

/// Copies the rows of x to y.
void ctk_copy_rows(float *y, const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t y_stride,
                   ptrdiff_t x_stride);

// MARK: Reductions, accumulated in double precision

double ctk_sum(const float *x, ptrdiff_t n);

double ctk_dot(const float *x, const float *y, ptrdiff_t n);

/// Returns the sum of (x - y)^2.
double ctk_squared_distance(const float *x, const float *y, ptrdiff_t n);

/// Returns the largest number, or NaN if any number is NaN.
float ctk_maximum(const float *x, ptrdiff_t n);

/// Returns the smallest number, or NaN if any number is NaN.
float ctk_minimum(const float *x, ptrdiff_t n);

/// Returns the largest bit pattern without the sign; these patterns have the order of the magnitudes. Patterns from
/// 0x7c00 (half precision) or 0x7f80 (bfloat16) are infinity and NaN.
uint16_t ctk_largest_magnitude_16(const uint16_t *x, ptrdiff_t n);

/// The same for single precision, where patterns from 0x7f800000 are infinity and NaN.
uint32_t ctk_largest_magnitude_32(const uint32_t *x, ptrdiff_t n);

// MARK: Softmax

/// Computes softmax(scale * row) for each row, in place.
void ctk_softmax_rows(float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale);

/// Computes the softmax of columns 0...first_row + r in row r; sets the others to zero.
void ctk_causal_softmax_rows(float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale,
                             ptrdiff_t first_row);

/// Computes dp := scale * p * (dp - sum(dp * p)) in each row, in place; p are the probabilities.
void ctk_softmax_vjp_rows(float *dp, const float *p, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale);

// MARK: Activations

/// y := exp(x)
void ctk_exponentials(float *y, const float *x, ptrdiff_t n);

/// y := x / (1 + exp(-x))
void ctk_silu(float *y, const float *x, ptrdiff_t n);
void ctk_silu_vjp(float *dx, const float *x, const float *dy, ptrdiff_t n);

/// y := x (1 + erf(x / sqrt(2))) / 2
void ctk_gelu(float *y, const float *x, ptrdiff_t n);
void ctk_gelu_vjp(float *dx, const float *x, const float *dy, ptrdiff_t n);

/// y := max(x, 0)
void ctk_relu(float *y, const float *x, ptrdiff_t n);
void ctk_relu_vjp(float *dx, const float *x, const float *dy, ptrdiff_t n);

/// y := x / (1 + exp(-1.702 x))
void ctk_quick_gelu(float *y, const float *x, ptrdiff_t n);
void ctk_quick_gelu_vjp(float *dx, const float *x, const float *dy, ptrdiff_t n);

/// Maps rows of length 2 `columns` to rows of length `columns`: the first half times the GELU of the second half.
void ctk_geglu_rows(float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t rows, ptrdiff_t columns);
void ctk_geglu_vjp_rows(float *dx, const float *x, const float *dy, ptrdiff_t rows, ptrdiff_t columns);

// MARK: Layer norm

/// Computes y := (x - mean) / sqrt(variance + epsilon) * scale + shift in each row.
void ctk_layer_norm_rows(float *y, const float *x, const float *scale, const float *shift, ptrdiff_t rows,
                         ptrdiff_t columns, float epsilon);
void ctk_layer_norm_vjp_rows(float *dx, const float *x, const float *dy, const float *scale, ptrdiff_t rows,
                             ptrdiff_t columns, float epsilon);

// MARK: Group norm. Parameters have one number per column, so the kernels do not depend on the groups.

/// Computes the sums of x - origin and of its square over all rows, per column.
void ctk_column_sums(float *sum, float *squares, const float *x, const float *origin, ptrdiff_t rows,
                     ptrdiff_t columns);

/// Computes u := (x - mean) * factor + shift; y := silu ? u / (1 + exp(-u)) : u.
void ctk_group_norm_rows(float *y, const float *x, const float *mean, const float *factor, const float *shift,
                         ptrdiff_t rows, ptrdiff_t columns, _Bool silu);

/// Computes the sums of du and of du * (x - mean) over all rows, per column; du is the gradient with respect to u.
void ctk_group_norm_vjp_sums(float *sum, float *products, const float *x, const float *dy, const float *mean,
                             const float *factor, const float *shift, ptrdiff_t rows, ptrdiff_t columns, _Bool silu);

/// Computes dx := du * factor + offset + (x - mean) * slope.
void ctk_group_norm_vjp_rows(float *dx, const float *x, const float *dy, const float *mean, const float *factor,
                             const float *shift, const float *offset, const float *slope, ptrdiff_t rows,
                             ptrdiff_t columns, _Bool silu);

// MARK: Products with packed matrices
//
// A matrix of depth x columns is packed in panels of 16 columns, panel_stride elements apart: panel p holds, for each
// row of the depth, the 16 elements of columns 16 p ... 16 p + 15. Missing columns of the last panel are zero.

enum { ctk_panel_width = 16 };

/// Computes c := a b + bias + addend, with a of rows x depth and b packed. Null pointers stand for zeros; addend may be
/// c. Each element is summed in the order of the depth, whatever the number of rows and columns.
void ctk_multiply_panels(float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, const float *b,
                         ptrdiff_t panel_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *bias,
                         const float *addend, ptrdiff_t addend_stride);

/// The same for the transpose of a, which is depth x rows.
void ctk_multiply_transposed_panels(float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, const float *b,
                                    ptrdiff_t panel_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth,
                                    const float *addend, ptrdiff_t addend_stride);

/// Packs a panel of the transpose of x, which has up to 16 rows of inputs x taps elements: element (i, tap) of row r
/// becomes element r at depth tap * inputs + i.
void ctk_pack_rows(float *panel, const float *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t taps);
void ctk_pack_rows_16(uint16_t *panel, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t inputs,
                      ptrdiff_t taps);

/// Transposes tiles of 16 x 16 contiguous elements: a tile of a packed matrix becomes a tile of its packed transpose.
void ctk_transpose_tiles(float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t x_stride, ptrdiff_t tiles);
void ctk_transpose_tiles_f16(float *y, ptrdiff_t y_stride, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t tiles);
void ctk_transpose_tiles_bf16(float *y, ptrdiff_t y_stride, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t tiles);

// MARK: Attention of one head, with online softmax
//
// Queries, keys, values and outputs are tokens x depth, all with the same row stride. Query i attends to the first seen
// + i keys (all keys, if seen is at least their number). Gradients are written in groups of lanes, in an order specific
// to the processor level.

enum {
  /// The maximum number of queries of a call; they share each block of keys.
  ctk_attention_queries = 128,
  /// The number of keys in a block of the backward pass.
  ctk_attention_gradient_keys = 128,
  /// The maximum number of tokens in a group of lanes; buffers have room for a multiple of it.
  ctk_attention_lanes = 32,
};

/// The number of keys in a block: keys and values take at most a quarter of a megabyte, and scores fit the L1 cache.
static inline ptrdiff_t ctk_attention_keys(ptrdiff_t depth) {
  ptrdiff_t keys = 32768 / (depth > 0 ? depth : 1);
  return keys < 16 ? 16 : keys > 256 ? 256 : keys;
}

/// Computes o := softmax(scale q kᵀ) v for up to 128 queries. The statistics, if not null, are for the backward pass:
/// the maximum score of each query and, statistic_stride further, the reciprocal of the sum of its exponentials.
void ctk_attend(float *o, float *statistics, ptrdiff_t statistic_stride, const float *q, const float *k,
                const float *v, ptrdiff_t stride, ptrdiff_t queries, ptrdiff_t keys, ptrdiff_t depth, float scale,
                ptrdiff_t seen, float *scratch);

/// The number of elements in the scratch buffer of ctk_attend.
static inline ptrdiff_t ctk_attention_scratch(ptrdiff_t depth) {
  return ctk_attention_queries * (2 * depth + 2) + ctk_attention_keys(depth) * ctk_attention_lanes;
}

/// Computes p := softmax(scale q kᵀ), queries x keys.
void ctk_attention_probabilities(float *p, const float *q, const float *k, ptrdiff_t stride, ptrdiff_t queries,
                                 ptrdiff_t keys, ptrdiff_t depth, float scale, ptrdiff_t seen, float *scratch);

/// The number of elements in the scratch buffer of ctk_attention_probabilities.
static inline ptrdiff_t ctk_attention_probabilities_scratch(ptrdiff_t keys, ptrdiff_t depth) {
  return (keys + depth + 2) * ctk_attention_lanes;
}

/// Computes the gradients of queries, keys and values in lanes; those of queries and keys lack the factor scale. A null
/// pointer omits a gradient.
void ctk_attend_vjp(float *dq, float *dk, float *dv, const float *q, const float *k, const float *v, const float *o,
                    const float *dy, ptrdiff_t stride, const float *statistics, ptrdiff_t statistic_stride,
                    ptrdiff_t queries, ptrdiff_t keys, ptrdiff_t depth, float scale, ptrdiff_t seen, float *scratch);

/// The number of elements in the scratch buffer of ctk_attend_vjp.
static inline ptrdiff_t ctk_attention_vjp_scratch(ptrdiff_t queries, ptrdiff_t depth) {
  return 2 * ctk_attention_gradient_keys * depth + 2 * ctk_attention_queries * ctk_attention_lanes +
         ctk_attention_queries * ctk_attention_gradient_keys + queries;
}

/// Computes y := factor * the sum of parts, each tokens x depth in lanes.
void ctk_sum_lanes(float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t parts, ptrdiff_t part_stride,
                   ptrdiff_t tokens, ptrdiff_t depth, float factor);

// MARK: Winograd F(4x4, 3x3). A tile of 4 x 4 outputs reads 6 x 6 inputs and has 36 frequencies (elements in the
// transform domain). Channel counts are multiples of 16. Frequencies are one stride apart.

/// Transforms a panel of kernels: u[f][channel][16] from w[tap][channel][16].
void ctk_winograd_kernels(float *u, ptrdiff_t u_stride, const float *w, ptrdiff_t w_stride, ptrdiff_t channels);

/// Transforms one input tile to v[f][channel]. x is the address of the first of 6 x 6 pixels; only rows first_row ..<
/// end_row and columns first_column ..< end_column exist, and the others are zero.
void ctk_winograd_input(float *v, ptrdiff_t v_stride, const float *x, ptrdiff_t row_stride, ptrdiff_t column_stride,
                        ptrdiff_t first_row, ptrdiff_t end_row, ptrdiff_t first_column, ptrdiff_t end_column,
                        ptrdiff_t channels);

/// Computes one output tile from its sums m[f][channel], plus bias and addend (with the layout of y). Only rows x
/// columns of its pixels exist. Null pointers stand for zeros.
void ctk_winograd_output(float *y, ptrdiff_t row_stride, ptrdiff_t column_stride, const float *m, ptrdiff_t m_stride,
                         ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channels, const float *bias,
                         const float *addend);

// MARK: Processor levels

/// Applies LOOP to the name of every kernel above.
#define CTK_EACH(LOOP) \
  LOOP(add) LOOP(combine) LOOP(scaled_difference) LOOP(scale) LOOP(multiply) \
  LOOP(widen_f16) LOOP(widen_bf16) LOOP(narrow_f16) LOOP(narrow_bf16) LOOP(adam_step) LOOP(fill_rows) LOOP(copy_rows) \
  LOOP(sum) LOOP(dot) LOOP(squared_distance) LOOP(maximum) LOOP(minimum) \
  LOOP(largest_magnitude_16) LOOP(largest_magnitude_32) \
  LOOP(softmax_rows) LOOP(causal_softmax_rows) LOOP(softmax_vjp_rows) LOOP(exponentials) \
  LOOP(silu) LOOP(silu_vjp) LOOP(relu) LOOP(relu_vjp) LOOP(gelu) LOOP(gelu_vjp) LOOP(quick_gelu) LOOP(quick_gelu_vjp) \
  LOOP(geglu_rows) LOOP(geglu_vjp_rows) LOOP(layer_norm_rows) LOOP(layer_norm_vjp_rows) \
  LOOP(column_sums) LOOP(group_norm_rows) LOOP(group_norm_vjp_sums) LOOP(group_norm_vjp_rows) \
  LOOP(multiply_panels) LOOP(multiply_transposed_panels) LOOP(pack_rows) LOOP(pack_rows_16) \
  LOOP(transpose_tiles) LOOP(transpose_tiles_f16) LOOP(transpose_tiles_bf16) \
  LOOP(attend) LOOP(attention_probabilities) LOOP(attend_vjp) LOOP(sum_lanes) \
  LOOP(winograd_kernels) LOOP(winograd_input) LOOP(winograd_output)

/// The kernels of one processor level.
struct ctk_table {
#define CTK_FIELD(name) __typeof__(ctk_##name) *name;
  CTK_EACH(CTK_FIELD)
#undef CTK_FIELD
};

enum ctk_level { ctk_level_portable, ctk_level_avx2, ctk_level_avx512 };

/// Returns the kernels of a level, to compare levels; null if the processor or the build does not support it.
const struct ctk_table *ctk_table_of(enum ctk_level level);

/// Returns the level that the functions above use.
enum ctk_level ctk_current_level(void);

// MARK: Threads

/// Returns the number of processors that the system allows this process to use (taskset, a batch system's cpuset), or 0
/// if unknown.
int ctk_allowed_processor_count(void);

/// Reports to ThreadSanitizer, in builds with it, that this thread acquired or released the lock at an address.
void ctk_lock_acquired(const void *lock);
void ctk_lock_released(const void *lock);

/// Tells the processor that this thread is in a spin loop.
static inline void ctk_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
