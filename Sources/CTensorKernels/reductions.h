// Sums in double precision, maxima and minima.

static double sum(const float *x, ptrdiff_t n) {
#pragma clang fp reassociate(on) contract(fast)
  double result = 0;
  for (ptrdiff_t i = 0; i < n; i++) result += (double)x[i];
  return result;
}

static double dot(const float *x, const float *y, ptrdiff_t n) {
#pragma clang fp reassociate(on) contract(fast)
  double result = 0;
  for (ptrdiff_t i = 0; i < n; i++) result += (double)x[i] * (double)y[i];
  return result;
}

static double squared_distance(const float *x, const float *y, ptrdiff_t n) {
#pragma clang fp reassociate(on) contract(fast)
  double result = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    double difference = (double)x[i] - (double)y[i];
    result += difference * difference;
  }
  return result;
}

/// Maps the bits of a number to an integer with the same order, and back.
///
/// Compilers may reassociate integer comparisons, but not comparisons of numbers that may be NaN.
static inline int32_t ordered(int32_t bits) { return bits ^ ((bits >> 31) & INT32_MAX); }

static inline int32_t key_of(float x) {
  int32_t bits;
  memcpy(&bits, &x, 4);
  return ordered(bits);
}

static inline float number_of(int32_t key) {
  key = ordered(key);
  float x;
  memcpy(&x, &key, 4);
  return x;
}

static float maximum(const float *x, ptrdiff_t n) {
  int32_t largest = INT32_MIN;
  int32_t has_nan = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    int32_t key = key_of(x[i]);
    largest = key > largest ? key : largest;
    has_nan |= x[i] != x[i];
  }
  return has_nan ? NAN : number_of(largest);
}

static float minimum(const float *x, ptrdiff_t n) {
  int32_t smallest = INT32_MAX;
  int32_t has_nan = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    int32_t key = key_of(x[i]);
    smallest = key < smallest ? key : smallest;
    has_nan |= x[i] != x[i];
  }
  return has_nan ? NAN : number_of(smallest);
}

static uint16_t largest_magnitude_16(const uint16_t *x, ptrdiff_t n) {
  uint16_t largest = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    uint16_t magnitude = x[i] & INT16_MAX;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

static uint32_t largest_magnitude_32(const uint32_t *x, ptrdiff_t n) {
  uint32_t largest = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t magnitude = x[i] & INT32_MAX;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}
