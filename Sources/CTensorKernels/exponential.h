/// Returns exp(x), as branch-free code that vectorizes.
///
/// The relative error is at most 1.2e-7. Results below 2e-38 are flushed to zero, overflow gives infinity, NaN stays
/// NaN.
static inline float exponential(float x) {
  x = x < -87.6f ? -87.6f : x;
  x = x > 89.0f ? 89.0f : x;

  // Adding 1.5 * 2^23 rounds to an integer, which the low bits then hold.
  const float round = 12582912.0f;
  float n = x * 1.44269504088896341f + round;
  uint32_t bits;
  memcpy(&bits, &n, 4);
  n -= round;

  // ln 2 in two parts; the first is short enough that its product with n is exact.
  float r = (x - n * 0.693359375f) + n * 2.12194440054690583e-4f;

  // 2 exp(r), a minimax polynomial for the relative error on |r| <= ln(2)/2, times 2^(n-1), which is finite up to the
  // overflow limit.
  float p = 2 * 0.00138367421264f;
  p = p * r + 2 * 0.00837489834401f;
  p = p * r + 2 * 0.0416682317992f;
  p = p * r + 2 * 0.166664191907f;
  p = p * r + 2 * 0.499999920323f;
  p = p * r + 2 * 1.00000003654f;
  p = p * r + 2;
  bits = (bits + 126) << 23;
  float power;
  memcpy(&power, &bits, 4);
  return p * power;
}
