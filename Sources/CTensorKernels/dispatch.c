#include "table.h"

static const struct table *best = &ctk_table_portable;

/// Before main, so that no thread ever sees the choice being made.
__attribute__((constructor)) static void choose(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
  best = &ctk_table_avx2;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) return;
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")) return;
  best = &ctk_table_avx512;
#endif
}

#define CALL(name, parameters, arguments) \
  void ctk_##name parameters { best->name arguments; }

CALL(add, (float *y, const float *x, ptrdiff_t n), (y, x, n))
CALL(axpby, (float *y, float a, const float *x, float b, ptrdiff_t n), (y, a, x, b, n))
CALL(fill_rows,
     (float *y, const float *bias, const float *residual, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t y_stride,
      ptrdiff_t residual_stride),
     (y, bias, residual, rows, columns, y_stride, residual_stride))
CALL(softmax_rows, (float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale),
     (x, rows, columns, stride, scale))
CALL(causal_softmax_rows,
     (float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale, ptrdiff_t first_row),
     (x, rows, columns, stride, scale, first_row))
CALL(softmax_vjp_rows,
     (float *dp, const float *p, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale),
     (dp, p, rows, columns, stride, scale))
CALL(widen_f16, (float *y, const uint16_t *x, ptrdiff_t n), (y, x, n))
CALL(widen_bf16, (float *y, const uint16_t *x, ptrdiff_t n), (y, x, n))
