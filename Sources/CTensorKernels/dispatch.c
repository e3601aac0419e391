#include "levels.h"

static const struct ctk_table *current = &ctk_portable;

const struct ctk_table *ctk_table_of(enum ctk_level level) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  _Bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  _Bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                 __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (level == ctk_level_avx512 && avx512) return &ctk_avx512;
  if (level == ctk_level_avx2 && avx2) return &ctk_avx2;
#endif
  return level == ctk_level_portable ? &ctk_portable : 0;
}

/// Runs before main, while there is only one thread.
__attribute__((constructor)) static void choose(void) {
  for (enum ctk_level level = ctk_level_portable; level <= ctk_level_avx512; level++)
    if (ctk_table_of(level)) current = ctk_table_of(level);
}

enum ctk_level ctk_current_level(void) {
  enum ctk_level level = ctk_level_avx512;
  while (ctk_table_of(level) != current) level--;
  return level;
}

#define CALL(result, name, parameters, arguments) \
  result ctk_##name parameters { return current->name arguments; }

CALL(void, add, (float *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(void, combine,
     (float *z, float a, const float *x, float b, const float *y, ptrdiff_t n),
     (z, a, x, b, y, n))
CALL(void, scaled_difference,
     (float *z, float a, const float *x, const float *y, ptrdiff_t n),
     (z, a, x, y, n))
CALL(void, scale, (float *y, float a, const float *x, ptrdiff_t n), (y, a, x, n))
CALL(void, multiply, (float *z, const float *x, const float *y, ptrdiff_t n), (z, x, y, n))
CALL(void, widen_f16, (float *y, const uint16_t *x, ptrdiff_t n), (y, x, n))
CALL(void, widen_bf16, (float *y, const uint16_t *x, ptrdiff_t n), (y, x, n))
CALL(void, narrow_f16, (uint16_t *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(void, narrow_bf16, (uint16_t *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(void, adam_step,
     (float *p, float *m, float *v, const float *g, ptrdiff_t n, float one_minus_beta1, float beta2,
      float one_minus_beta2, float step, float root, float epsilon),
     (p, m, v, g, n, one_minus_beta1, beta2, one_minus_beta2, step, root, epsilon))
CALL(void, fill_rows,
     (float *y, const float *bias, const float *residual, ptrdiff_t rows, ptrdiff_t columns,
      ptrdiff_t y_stride, ptrdiff_t residual_stride),
     (y, bias, residual, rows, columns, y_stride, residual_stride))
CALL(void, copy_rows,
     (float *y, const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t y_stride, ptrdiff_t x_stride),
     (y, x, rows, columns, y_stride, x_stride))
CALL(double, sum, (const float *x, ptrdiff_t n), (x, n))
CALL(double, dot, (const float *x, const float *y, ptrdiff_t n), (x, y, n))
CALL(double, squared_distance, (const float *x, const float *y, ptrdiff_t n), (x, y, n))
CALL(float, maximum, (const float *x, ptrdiff_t n), (x, n))
CALL(float, minimum, (const float *x, ptrdiff_t n), (x, n))
CALL(uint16_t, largest_magnitude_16, (const uint16_t *x, ptrdiff_t n), (x, n))
CALL(uint32_t, largest_magnitude_32, (const uint32_t *x, ptrdiff_t n), (x, n))
CALL(void, softmax_rows,
     (float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale),
     (x, rows, columns, stride, scale))
CALL(void, causal_softmax_rows,
     (float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale, ptrdiff_t first_row),
     (x, rows, columns, stride, scale, first_row))
CALL(void, softmax_vjp_rows,
     (float *dp, const float *p, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale),
     (dp, p, rows, columns, stride, scale))
CALL(void, exponentials, (float *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(void, silu, (float *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(void, silu_vjp, (float *dx, const float *x, const float *dy, ptrdiff_t n), (dx, x, dy, n))
CALL(void, gelu, (float *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(void, gelu_vjp, (float *dx, const float *x, const float *dy, ptrdiff_t n), (dx, x, dy, n))
CALL(void, relu, (float *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(void, relu_vjp, (float *dx, const float *x, const float *dy, ptrdiff_t n), (dx, x, dy, n))
CALL(void, quick_gelu, (float *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(void, quick_gelu_vjp, (float *dx, const float *x, const float *dy, ptrdiff_t n), (dx, x, dy, n))
CALL(void, geglu_rows, (float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t rows, ptrdiff_t columns),
     (y, y_stride, x, rows, columns))
CALL(void, geglu_vjp_rows,
     (float *dx, const float *x, const float *dy, ptrdiff_t rows, ptrdiff_t columns),
     (dx, x, dy, rows, columns))
CALL(void, layer_norm_rows,
     (float *y, const float *x, const float *scale, const float *shift, ptrdiff_t rows, ptrdiff_t columns,
      float epsilon),
     (y, x, scale, shift, rows, columns, epsilon))
CALL(void, layer_norm_vjp_rows,
     (float *dx, const float *x, const float *dy, const float *scale, ptrdiff_t rows, ptrdiff_t columns,
      float epsilon),
     (dx, x, dy, scale, rows, columns, epsilon))
CALL(void, column_sums,
     (float *sum, float *squares, const float *x, const float *origin, ptrdiff_t rows, ptrdiff_t columns),
     (sum, squares, x, origin, rows, columns))
CALL(void, group_norm_rows,
     (float *y, const float *x, const float *mean, const float *factor, const float *shift, ptrdiff_t rows,
      ptrdiff_t columns, _Bool silu),
     (y, x, mean, factor, shift, rows, columns, silu))
CALL(void, group_norm_vjp_sums,
     (float *sum, float *products, const float *x, const float *dy, const float *mean, const float *factor,
      const float *shift, ptrdiff_t rows, ptrdiff_t columns, _Bool silu),
     (sum, products, x, dy, mean, factor, shift, rows, columns, silu))
CALL(void, group_norm_vjp_rows,
     (float *dx, const float *x, const float *dy, const float *mean, const float *factor, const float *shift,
      const float *offset, const float *slope, ptrdiff_t rows, ptrdiff_t columns, _Bool silu),
     (dx, x, dy, mean, factor, shift, offset, slope, rows, columns, silu))
CALL(void, multiply_panels,
     (float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, const float *b, ptrdiff_t panel_stride,
      ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *bias, const float *addend,
      ptrdiff_t addend_stride),
     (c, c_stride, a, a_stride, b, panel_stride, rows, columns, depth, bias, addend, addend_stride))
CALL(void, multiply_transposed_panels,
     (float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, const float *b, ptrdiff_t panel_stride,
      ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *addend, ptrdiff_t addend_stride),
     (c, c_stride, a, a_stride, b, panel_stride, rows, columns, depth, addend, addend_stride))
CALL(void, pack_rows,
     (float *panel, const float *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t taps),
     (panel, x, x_stride, rows, inputs, taps))
CALL(void, pack_rows_16,
     (uint16_t *panel, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t rows, ptrdiff_t inputs, ptrdiff_t taps),
     (panel, x, x_stride, rows, inputs, taps))
CALL(void, transpose_tiles,
     (float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t x_stride, ptrdiff_t tiles),
     (y, y_stride, x, x_stride, tiles))
CALL(void, transpose_tiles_f16,
     (float *y, ptrdiff_t y_stride, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t tiles),
     (y, y_stride, x, x_stride, tiles))
CALL(void, transpose_tiles_bf16,
     (float *y, ptrdiff_t y_stride, const uint16_t *x, ptrdiff_t x_stride, ptrdiff_t tiles),
     (y, y_stride, x, x_stride, tiles))
CALL(void, attend,
     (float *o, float *statistics, ptrdiff_t statistic_stride, const float *q, const float *k, const float *v,
      ptrdiff_t stride, ptrdiff_t queries, ptrdiff_t keys, ptrdiff_t depth, float scale, ptrdiff_t seen,
      float *scratch),
     (o, statistics, statistic_stride, q, k, v, stride, queries, keys, depth, scale, seen, scratch))
CALL(void, attention_probabilities,
     (float *p, const float *q, const float *k, ptrdiff_t stride, ptrdiff_t queries, ptrdiff_t keys, ptrdiff_t depth,
      float scale, ptrdiff_t seen, float *scratch),
     (p, q, k, stride, queries, keys, depth, scale, seen, scratch))
CALL(void, attend_vjp,
     (float *dq, float *dk, float *dv, const float *q, const float *k, const float *v, const float *o, const float *dy,
      ptrdiff_t stride, const float *statistics, ptrdiff_t statistic_stride, ptrdiff_t queries, ptrdiff_t keys,
      ptrdiff_t depth, float scale, ptrdiff_t seen, float *scratch),
     (dq, dk, dv, q, k, v, o, dy, stride, statistics, statistic_stride, queries, keys, depth, scale, seen, scratch))
CALL(void, sum_lanes,
     (float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t parts, ptrdiff_t part_stride, ptrdiff_t tokens,
      ptrdiff_t depth, float factor),
     (y, y_stride, x, parts, part_stride, tokens, depth, factor))
CALL(void, winograd_kernels,
     (float *u, ptrdiff_t u_stride, const float *w, ptrdiff_t w_stride, ptrdiff_t channels),
     (u, u_stride, w, w_stride, channels))
CALL(void, winograd_input,
     (float *v, ptrdiff_t v_stride, const float *x, ptrdiff_t row_stride, ptrdiff_t column_stride, ptrdiff_t first_row,
      ptrdiff_t end_row, ptrdiff_t first_column, ptrdiff_t end_column, ptrdiff_t channels),
     (v, v_stride, x, row_stride, column_stride, first_row, end_row, first_column, end_column, channels))
CALL(void, winograd_output,
     (float *y, ptrdiff_t row_stride, ptrdiff_t column_stride, const float *m, ptrdiff_t m_stride, ptrdiff_t rows,
      ptrdiff_t columns, ptrdiff_t channels, const float *bias, const float *addend),
     (y, row_stride, column_stride, m, m_stride, rows, columns, channels, bias, addend))
