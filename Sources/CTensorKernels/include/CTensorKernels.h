// The loops that BLAS does not have, over rows of single-precision numbers.
//
// Each function exists once per processor level (AVX-512, AVX2, portable); the program picks the best one that runs here
// when it starts. Sizes and strides count scalars. Unless said otherwise arrays do not overlap, and NaN and infinity
// propagate as in arithmetic. A function with the suffix vjp is the vector-Jacobian product of the one without it: it
// takes the input x and the gradient dy at the output, and returns the gradient dx at the input.
#pragma once

#include <stddef.h>
#include <stdint.h>

// MARK: Element by element

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

/// IEEE half-precision bit patterns to single precision.
void ctk_widen_f16(float *y, const uint16_t *x, ptrdiff_t n);

/// bfloat16 bit patterns to single precision.
void ctk_widen_bf16(float *y, const uint16_t *x, ptrdiff_t n);

/// Rounds to half precision, to nearest and then to even; what is too large becomes infinite.
void ctk_narrow_f16(uint16_t *y, const float *x, ptrdiff_t n);

/// Rounds to the upper half of single precision in the same way.
void ctk_narrow_bf16(uint16_t *y, const float *x, ptrdiff_t n);

/// One Adam step of the parameters p with gradient g, as torch.optim.Adam rounds it: the moments m and v move towards
/// g and its square, then p := p - step m / (sqrt(v) / root + epsilon).
void ctk_adam_step(float *p, float *m, float *v, const float *g, ptrdiff_t n, float one_minus_beta1, float beta2,
                   float one_minus_beta2, float step, float root, float epsilon);

// MARK: Rows

/// Each row of y := bias + the row of residual. A null pointer stands for zeros.
void ctk_fill_rows(float *y, const float *bias, const float *residual, ptrdiff_t rows, ptrdiff_t columns,
                   ptrdiff_t y_stride, ptrdiff_t residual_stride);

/// Each row of y := the row of x.
void ctk_copy_rows(float *y, const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t y_stride,
                   ptrdiff_t x_stride);

// MARK: Reductions, accumulated in double precision

double ctk_sum(const float *x, ptrdiff_t n);

double ctk_dot(const float *x, const float *y, ptrdiff_t n);

/// The sum of (x - y)^2.
double ctk_squared_distance(const float *x, const float *y, ptrdiff_t n);

/// The largest number; a NaN among the numbers is the result.
float ctk_maximum(const float *x, ptrdiff_t n);

/// The smallest number; a NaN among the numbers is the result.
float ctk_minimum(const float *x, ptrdiff_t n);

/// The largest of some numbers' bit patterns without their signs, which are ordered like the magnitudes. NaN and infinity
/// are the patterns from 0x7c00 (half precision) or 0x7f80 (bfloat16) on.
uint16_t ctk_largest_magnitude_16(const uint16_t *x, ptrdiff_t n);

/// The same for single precision, where NaN and infinity are the patterns from 0x7f800000 on.
uint32_t ctk_largest_magnitude_32(const uint32_t *x, ptrdiff_t n);

// MARK: Softmax

/// Each row := softmax(scale * row), in place.
void ctk_softmax_rows(float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale);

/// The softmax of the columns 0...first_row + r of row r; the others become zero.
void ctk_causal_softmax_rows(float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale,
                             ptrdiff_t first_row);

/// Takes the probabilities p instead of x: dp := scale * p * (dp - sum(dp * p)) in each row, in place.
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

/// y := x / (1 + exp(-1.702 x))
void ctk_relu(float *y, const float *x, ptrdiff_t n);
void ctk_relu_vjp(float *dx, const float *x, const float *dy, ptrdiff_t n);
void ctk_quick_gelu(float *y, const float *x, ptrdiff_t n);
void ctk_quick_gelu_vjp(float *dx, const float *x, const float *dy, ptrdiff_t n);

/// Rows of 2 columns to rows of columns: the first half times the GELU of the second half.
void ctk_geglu_rows(float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t rows, ptrdiff_t columns);
void ctk_geglu_vjp_rows(float *dx, const float *x, const float *dy, ptrdiff_t rows, ptrdiff_t columns);

// MARK: Layer norm

/// y := (x - mean) / sqrt(variance + epsilon) * scale + shift in each row.
void ctk_layer_norm_rows(float *y, const float *x, const float *scale, const float *shift, ptrdiff_t rows,
                         ptrdiff_t columns, float epsilon);
void ctk_layer_norm_vjp_rows(float *dx, const float *x, const float *dy, const float *scale, ptrdiff_t rows,
                             ptrdiff_t columns, float epsilon);

// MARK: Group norm. Parameters have one number per column, so that the kernels need not know the groups.

/// The sums of x - origin and of its square over all rows, for each column.
void ctk_column_sums(float *sum, float *squares, const float *x, const float *origin, ptrdiff_t rows,
                     ptrdiff_t columns);

/// u := (x - mean) * factor + shift; y := silu ? u / (1 + exp(-u)) : u.
void ctk_group_norm_rows(float *y, const float *x, const float *mean, const float *factor, const float *shift,
                         ptrdiff_t rows, ptrdiff_t columns, _Bool silu);

/// The sums of du and of du * (x - mean) over all rows, for each column; du is the gradient at u.
void ctk_group_norm_vjp_sums(float *sum, float *products, const float *x, const float *dy, const float *mean,
                             const float *factor, const float *shift, ptrdiff_t rows, ptrdiff_t columns, _Bool silu);

/// dx := du * factor + offset + (x - mean) * slope.
void ctk_group_norm_vjp_rows(float *dx, const float *x, const float *dy, const float *mean, const float *factor,
                             const float *shift, const float *offset, const float *slope, ptrdiff_t rows,
                             ptrdiff_t columns, _Bool silu);

// MARK: Products with packed matrices
//
// A matrix of depth x columns is packed in panels of 16 columns, panel_stride scalars apart: panel p holds, for each of
// the depth, the 16 scalars of columns 16 p ... 16 p + 15. Columns of the last panel that do not exist are zero.

enum { ctk_panel_width = 16 };

/// c := a b + bias + addend, with a of rows x depth and b packed. Null pointers stand for zeros; addend may be c. The
/// sums of all rows are accumulated in the order of the depth, whatever the number of rows and columns.
void ctk_multiply_panels(float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, const float *b,
                         ptrdiff_t panel_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *bias,
                         const float *addend, ptrdiff_t addend_stride);

/// The same for the transpose of a, which is depth x rows.
void ctk_multiply_transposed_panels(float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, const float *b,
                                    ptrdiff_t panel_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth,
                                    const float *addend, ptrdiff_t addend_stride);

/// A panel of the transpose of x, up to 16 rows of inputs x taps scalars: scalar (i, tap) of row r becomes scalar r at
/// the depth tap * inputs + i.
void ctk_pack_rows(float *panel, const float *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t taps);
void ctk_pack_rows_16(uint16_t *panel, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t inputs,
                      ptrdiff_t taps);

/// The transposes of tiles of 16 x 16 contiguous scalars: a tile of a packed matrix becomes one of its packed transpose.
void ctk_transpose_tiles(float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t x_stride, ptrdiff_t tiles);
void ctk_transpose_tiles_f16(float *y, ptrdiff_t y_stride, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t tiles);
void ctk_transpose_tiles_bf16(float *y, ptrdiff_t y_stride, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t tiles);

// MARK: Attention of one head, with online softmax
//
// Queries, keys, values and outputs are tokens x depth, all with one stride. Query i sees the first seen + i keys (all, if
// seen is at least the number of keys). Gradients are formed in groups of lanes, whose order is the level's own.

enum {
  /// The most queries of a call, and the queries that share a block of keys.
  ctk_attention_queries = 128,
  /// The keys of a block on the way back.
  ctk_attention_gradient_keys = 128,
  /// The tokens that lanes are rounded up to, at most.
  ctk_attention_lanes = 32,
};

/// The keys of a block: with their values they take a quarter of a megabyte at most, and scores fit the first cache.
static inline ptrdiff_t ctk_attention_keys(ptrdiff_t depth) {
  ptrdiff_t keys = 32768 / (depth > 0 ? depth : 1);
  return keys < 16 ? 16 : keys > 256 ? 256 : keys;
}

/// o := softmax(scale q kᵀ) v for up to 128 queries. The statistics, if not null, are what the way back needs: the
/// largest score of each query, and a stride further one over the sum of its exponentials.
void ctk_attend(float *o, float *statistics, ptrdiff_t statistic_stride, const float *q, const float *k,
                const float *v, ptrdiff_t stride, ptrdiff_t queries, ptrdiff_t keys, ptrdiff_t depth, float scale,
                ptrdiff_t seen, float *scratch);

/// The number of scalars in the scratch of ctk_attend.
static inline ptrdiff_t ctk_attention_scratch(ptrdiff_t depth) {
  return ctk_attention_queries * (2 * depth + 2) + ctk_attention_keys(depth) * ctk_attention_lanes;
}

/// p := softmax(scale q kᵀ), queries x keys.
void ctk_attention_probabilities(float *p, const float *q, const float *k, ptrdiff_t stride, ptrdiff_t queries,
                                 ptrdiff_t keys, ptrdiff_t depth, float scale, ptrdiff_t seen, float *scratch);

/// The number of scalars in the scratch of ctk_attention_probabilities.
static inline ptrdiff_t ctk_attention_probabilities_scratch(ptrdiff_t keys, ptrdiff_t depth) {
  return (keys + depth + 2) * ctk_attention_lanes;
}

/// The gradients at queries, keys and values in lanes, without the scale for the first two. A null pointer stands for a
/// gradient that is not wanted.
void ctk_attend_vjp(float *dq, float *dk, float *dv, const float *q, const float *k, const float *v, const float *o,
                    const float *dy, ptrdiff_t stride, const float *statistics, ptrdiff_t statistic_stride,
                    ptrdiff_t queries, ptrdiff_t keys, ptrdiff_t depth, float scale, ptrdiff_t seen, float *scratch);

/// The number of scalars in the scratch of ctk_attend_vjp.
static inline ptrdiff_t ctk_attention_vjp_scratch(ptrdiff_t queries, ptrdiff_t depth) {
  return 2 * ctk_attention_gradient_keys * depth + 2 * ctk_attention_queries * ctk_attention_lanes +
         ctk_attention_queries * ctk_attention_gradient_keys + queries;
}

/// y := factor * the sum of parts, each tokens x depth in lanes.
void ctk_sum_lanes(float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t parts, ptrdiff_t part_stride,
                   ptrdiff_t tokens, ptrdiff_t depth, float factor);

// MARK: Winograd F(4x4, 3x3). A tile of 4 x 4 outputs reads 6 x 6 inputs and has 36 frequencies; numbers of channels are
// multiples of 16. What belongs to a frequency lies a stride apart from the next.

/// The frequencies of a panel's kernels: u[f][channel][16] from w[tap][channel][16].
void ctk_winograd_kernels(float *u, ptrdiff_t u_stride, const float *w, ptrdiff_t w_stride, ptrdiff_t channels);

/// The frequencies of one input tile, v[f][channel], from the 6 x 6 pixels whose first would be at x. Only the rows
/// first_row ..< end_row and columns first_column ..< end_column of them exist; the others are zero.
void ctk_winograd_input(float *v, ptrdiff_t v_stride, const float *x, ptrdiff_t row_stride, ptrdiff_t column_stride,
                        ptrdiff_t first_row, ptrdiff_t end_row, ptrdiff_t first_column, ptrdiff_t end_column,
                        ptrdiff_t channels);

/// One output tile from its sums m[f][channel], of which only rows x columns pixels exist, plus bias and addend (which
/// lies like y). Null pointers stand for zeros.
void ctk_winograd_output(float *y, ptrdiff_t row_stride, ptrdiff_t column_stride, const float *m, ptrdiff_t m_stride,
                         ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channels, const float *bias,
                         const float *addend);

// MARK: Processor levels

/// Applies LOOP to the name of every loop above.
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

/// The loops of one processor level.
struct ctk_table {
#define CTK_FIELD(name) __typeof__(ctk_##name) *name;
  CTK_EACH(CTK_FIELD)
#undef CTK_FIELD
};

enum ctk_level { ctk_level_portable, ctk_level_avx2, ctk_level_avx512 };

/// The loops of a level, to compare levels with each other; null if the processor or the build does not have it.
const struct ctk_table *ctk_table_of(enum ctk_level level);

/// The level that the functions above use.
enum ctk_level ctk_current_level(void);

// MARK: Threads

/// The number of processors that the system lets this process use (taskset, a batch system's cpuset); 0 if it does not
/// say.
int ctk_allowed_processor_count(void);

/// Tells ThreadSanitizer, in builds that it watches, that this thread acquired the lock at an address, or releases it.
void ctk_lock_acquired(const void *lock);
void ctk_lock_released(const void *lock);

/// Tells the processor that this thread waits for another.
static inline void ctk_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
