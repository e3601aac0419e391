// Softmax along rows, forward and backward.
//
// Rows are often short and not a multiple of the vector length (77 tokens): interleaving two vectors leaves fewer
// elements to the scalar loop than the compiler's default of four.
#define SHORT_ROWS _Pragma("clang loop interleave_count(2)")

/// Returns the largest scale * x.
static inline float largest(const float *x, ptrdiff_t n, float scale) {
  int32_t result = INT32_MIN;
  SHORT_ROWS
  for (ptrdiff_t i = 0; i < n; i++) {
    int32_t key = key_of(x[i] * scale);
    result = key > result ? key : result;
  }
  return number_of(result);
}

/// Computes x := exp(scale * x - shift) and returns the sum.
static inline float form_exponentials(float *x, ptrdiff_t n, float scale, float shift) {
#pragma clang fp reassociate(on) contract(fast)
  float sum = 0;
  SHORT_ROWS
  for (ptrdiff_t i = 0; i < n; i++) {
    float e = exponential(x[i] * scale - shift);
    x[i] = e;
    sum += e;
  }
  return sum;
}

static inline void softmax_row(float *x, ptrdiff_t n, float scale) {
  float factor = 1 / form_exponentials(x, n, scale, largest(x, n, scale));
  SHORT_ROWS
  for (ptrdiff_t i = 0; i < n; i++) x[i] *= factor;
}

static void softmax_rows(float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale) {
  for (ptrdiff_t r = 0; r < rows; r++) softmax_row(x + r * stride, columns, scale);
}

static void causal_softmax_rows(float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, float scale,
                                ptrdiff_t first_row) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *row = x + r * stride;
    ptrdiff_t seen = first_row + r + 1;
    seen = seen < 0 ? 0 : seen > columns ? columns : seen;
    softmax_row(row, seen, scale);
    for (ptrdiff_t i = seen; i < columns; i++) row[i] = 0;
  }
}

static void softmax_vjp_rows(float *dp, const float *p, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride,
                             float scale) {
#pragma clang fp reassociate(on) contract(fast)
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *restrict d = dp + r * stride;
    const float *restrict q = p + r * stride;
    float sum = 0;
    SHORT_ROWS
    for (ptrdiff_t i = 0; i < columns; i++) sum += d[i] * q[i];
    SHORT_ROWS
    for (ptrdiff_t i = 0; i < columns; i++) d[i] = scale * q[i] * (d[i] - sum);
  }
}
