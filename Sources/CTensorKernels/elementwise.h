// Elementwise arithmetic, conversions, the Adam step, and copies of rows.

static void add(float *restrict y, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] += x[i];
}

static void combine(float *restrict z, float a, const float *x, float b, const float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) z[i] = a * x[i] + b * y[i];
}

static void scaled_difference(float *restrict z, float a, const float *x, const float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) z[i] = a * (x[i] - y[i]);
}

static void scale(float *restrict y, float a, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = a * x[i];
}

static void multiply(float *restrict z, const float *x, const float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) z[i] = x[i] * y[i];
}

#if HAS_HALF_CONVERSION
/// Converts an IEEE half-precision bit pattern to a number.
static inline float number_of_f16(uint16_t bits) {
  _Float16 x;
  memcpy(&x, &bits, 2);
  return (float)x;
}
#else
/// Converts an IEEE half-precision bit pattern to a number with integer operations.
static inline float number_of_f16(uint16_t half) {
  uint32_t magnitude = half & 0x7fffu;
  // Subnormals count units of 2^-24; other exponents move by 127 - 15, those of infinity and NaN by twice that.
  float small = (float)(int32_t)magnitude * 0x1p-24f;
  uint32_t small_bits;
  memcpy(&small_bits, &small, 4);
  uint32_t bits = (magnitude << 13) + (magnitude >= 0x7c00u ? 224u << 23 : 112u << 23);
  bits = magnitude < 0x0400u ? small_bits : bits;
  bits |= (uint32_t)(half & 0x8000u) << 16;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}
#endif

static void widen_f16(float *restrict y, const uint16_t *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = number_of_f16(x[i]);
}

static void widen_bf16(float *restrict y, const uint16_t *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(&y[i], &bits, 4);
  }
}

/// Rounds to half precision, to nearest with ties to even.
static inline uint16_t f16_of_number(float x) {
  uint32_t bits, tiny_bits;
  memcpy(&bits, &x, 4);
  uint32_t sign = bits & 0x80000000u;
  bits ^= sign;
  float magnitude;
  memcpy(&magnitude, &bits, 4);
  // Below 2^-14 the unit is 2^-24, as for single-precision numbers in 0.5 ..< 1 after adding 0.5.
  float tiny = magnitude + 0.5f;
  memcpy(&tiny_bits, &tiny, 4);
  uint32_t half = (bits + 0xc8000fffu + ((bits >> 13) & 1)) >> 13;
  half = bits < 0x38800000u ? tiny_bits - 0x3f000000u : half;
  half = bits >= 0x47800000u ? (bits > 0x7f800000u ? 0x7e00u : 0x7c00u) : half;
  return (uint16_t)(half | sign >> 16);
}

static void narrow_f16(uint16_t *restrict y, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = f16_of_number(x[i]);
}

static void narrow_bf16(uint16_t *restrict y, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, &x[i], 4);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
    y[i] = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16 | 0x40u) : rounded);
  }
}

/// Interpolates from a to b by weight, fused as in PyTorch.
static inline float interpolated(float a, float b, float weight) { return a + weight * (b - a); }

static void adam_step(float *restrict p, float *restrict m, float *restrict v, const float *restrict g, ptrdiff_t n,
                      float one_minus_beta1, float beta2, float one_minus_beta2, float step, float root,
                      float epsilon) {
#pragma clang fp contract(off)
  for (ptrdiff_t i = 0; i < n; i++) {
    m[i] = interpolated(m[i], g[i], one_minus_beta1);
    v[i] = v[i] * beta2 + one_minus_beta2 * g[i] * g[i];
    p[i] += -step * m[i] / (__builtin_elementwise_sqrt(v[i]) / root + epsilon);
  }
}

static void fill_rows(float *y, const float *bias, const float *residual, ptrdiff_t rows, ptrdiff_t columns,
                      ptrdiff_t y_stride, ptrdiff_t residual_stride) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *restrict to = y + r * y_stride;
    const float *restrict b = bias;
    const float *restrict from = residual ? residual + r * residual_stride : 0;
    if (b && from) {
      for (ptrdiff_t i = 0; i < columns; i++) to[i] = b[i] + from[i];
    } else if (b || from) {
      memcpy(to, b ? b : from, (size_t)columns * sizeof(float));
    } else {
      memset(to, 0, (size_t)columns * sizeof(float));
    }
  }
}

static void copy_rows(float *y, const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t y_stride,
                      ptrdiff_t x_stride) {
  for (ptrdiff_t r = 0; r < rows; r++) memcpy(y + r * y_stride, x + r * x_stride, (size_t)columns * sizeof(float));
}
