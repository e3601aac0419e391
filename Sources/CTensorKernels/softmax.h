// Rows are often short and no multiple of a vector (77 tokens), so the end of a row is worked on in a padded block of
// its own instead of number by number.
enum { LANES = 32 };

static inline float largest(const float *x, ptrdiff_t n, float scale) {
  float lane[LANES];
  for (int j = 0; j < LANES; j++) lane[j] = -INFINITY;
  ptrdiff_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++) {
      float v = x[i + j] * scale;
      lane[j] = v > lane[j] ? v : lane[j];
    }
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int j = 0; j < width; j++) lane[j] = lane[j + width] > lane[j] ? lane[j + width] : lane[j];
  float result = lane[0];
  for (; i < n; i++) {
    float v = x[i] * scale;
    result = v > result ? v : result;
  }
  return result;
}

/// x := exp(scale * x - shift); gives the sum.
static inline float form_exponentials(float *x, ptrdiff_t n, float scale, float shift) {
#pragma clang fp reassociate(on) contract(fast)
  float sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    float e = exponential(x[i] * scale - shift);
    x[i] = e;
    sum += e;
  }
  return sum;
}

static inline void softmax_row(float *x, ptrdiff_t n, float scale) {
  float sum = form_exponentials(x, n, scale, largest(x, n, scale));
  float factor = 1 / sum;
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
    for (ptrdiff_t i = 0; i < columns; i++) sum += d[i] * q[i];
    for (ptrdiff_t i = 0; i < columns; i++) d[i] = scale * q[i] * (d[i] - sum);
  }
}
