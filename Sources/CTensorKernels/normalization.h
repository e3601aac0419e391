// Layer norm and group norm, forward and backward.

// A row of a layer norm stays in the L1 cache, so it may be read several times; the backward pass recomputes mean and
// standard deviation.

static inline float row_mean(const float *x, ptrdiff_t n) {
#pragma clang fp reassociate(on) contract(fast)
  float sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) sum += x[i];
  return sum / (float)n;
}

/// 1 / sqrt(variance + epsilon)
static inline float row_factor(const float *x, ptrdiff_t n, float mean, float epsilon) {
#pragma clang fp reassociate(on) contract(fast)
  float sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
  return 1 / __builtin_elementwise_sqrt(sum / (float)n + epsilon);
}

static void layer_norm_rows(float *y, const float *x, const float *scale, const float *shift, ptrdiff_t rows,
                            ptrdiff_t columns, float epsilon) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *restrict from = x + r * columns;
    float *restrict to = y + r * columns;
    float mean = row_mean(from, columns), factor = row_factor(from, columns, mean, epsilon);
    for (ptrdiff_t i = 0; i < columns; i++) to[i] = (from[i] - mean) * factor * scale[i] + shift[i];
  }
}

static void layer_norm_vjp_rows(float *dx, const float *x, const float *dy, const float *scale, ptrdiff_t rows,
                                ptrdiff_t columns, float epsilon) {
#pragma clang fp reassociate(on) contract(fast)
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *restrict from = x + r * columns;
    const float *restrict d = dy + r * columns;
    float *restrict to = dx + r * columns;
    float mean = row_mean(from, columns), factor = row_factor(from, columns, mean, epsilon);
    float sum = 0, product = 0;
    for (ptrdiff_t i = 0; i < columns; i++) {
      sum += d[i] * scale[i];
      product += d[i] * scale[i] * (from[i] - mean);
    }
    float offset = sum / (float)columns, slope = product / (float)columns * factor * factor;
    for (ptrdiff_t i = 0; i < columns; i++)
      to[i] = factor * (d[i] * scale[i] - offset - slope * (from[i] - mean));
  }
}

// A group norm reads its input twice: for the statistics and to normalize. All loops run over the columns of a row;
// sums over rows are kept per column, and the caller combines columns to groups.

static void column_sums(float *restrict sum, float *restrict squares, const float *restrict x,
                        const float *restrict origin, ptrdiff_t rows, ptrdiff_t columns) {
  memset(sum, 0, (size_t)columns * sizeof(float));
  memset(squares, 0, (size_t)columns * sizeof(float));
  ptrdiff_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *x0 = x + r * columns, *x1 = x0 + columns, *x2 = x1 + columns, *x3 = x2 + columns;
    for (ptrdiff_t i = 0; i < columns; i++) {
      float a = x0[i] - origin[i], b = x1[i] - origin[i], c = x2[i] - origin[i], d = x3[i] - origin[i];
      sum[i] += (a + b) + (c + d);
      squares[i] += (a * a + b * b) + (c * c + d * d);
    }
  }
  for (; r < rows; r++) {
    const float *x0 = x + r * columns;
    for (ptrdiff_t i = 0; i < columns; i++) {
      float a = x0[i] - origin[i];
      sum[i] += a;
      squares[i] += a * a;
    }
  }
}

static void group_norm_rows(float *y, const float *x, const float *restrict mean, const float *restrict factor,
                            const float *restrict shift, ptrdiff_t rows, ptrdiff_t columns, _Bool silu) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *restrict from = x + r * columns;
    float *restrict to = y + r * columns;
    if (silu) {
      for (ptrdiff_t i = 0; i < columns; i++) to[i] = swish((from[i] - mean[i]) * factor[i] + shift[i], 1);
    } else {
      for (ptrdiff_t i = 0; i < columns; i++) to[i] = (from[i] - mean[i]) * factor[i] + shift[i];
    }
  }
}

static void group_norm_vjp_sums(float *restrict sum, float *restrict products, const float *x, const float *dy,
                                const float *restrict mean, const float *restrict factor,
                                const float *restrict shift, ptrdiff_t rows, ptrdiff_t columns, _Bool silu) {
  memset(sum, 0, (size_t)columns * sizeof(float));
  memset(products, 0, (size_t)columns * sizeof(float));
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *restrict from = x + r * columns;
    const float *restrict d = dy + r * columns;
    if (silu) {
      for (ptrdiff_t i = 0; i < columns; i++) {
        float centered = from[i] - mean[i];
        float du = d[i] * swish_derivative(centered * factor[i] + shift[i], 1);
        sum[i] += du;
        products[i] += du * centered;
      }
    } else {
      for (ptrdiff_t i = 0; i < columns; i++) {
        sum[i] += d[i];
        products[i] += d[i] * (from[i] - mean[i]);
      }
    }
  }
}

static void group_norm_vjp_rows(float *dx, const float *x, const float *dy, const float *restrict mean,
                                const float *restrict factor, const float *restrict shift,
                                const float *restrict offset, const float *restrict slope, ptrdiff_t rows,
                                ptrdiff_t columns, _Bool silu) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *restrict from = x + r * columns;
    const float *restrict d = dy + r * columns;
    float *restrict to = dx + r * columns;
    if (silu) {
      for (ptrdiff_t i = 0; i < columns; i++) {
        float centered = from[i] - mean[i];
        float du = d[i] * swish_derivative(centered * factor[i] + shift[i], 1);
        to[i] = du * factor[i] + offset[i] + centered * slope[i];
      }
    } else {
      for (ptrdiff_t i = 0; i < columns; i++)
        to[i] = d[i] * factor[i] + offset[i] + (from[i] - mean[i]) * slope[i];
    }
  }
}
