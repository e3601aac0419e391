// Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2015, arXiv 1509.09308), with channels as vector lanes.
//
// The points are 0, ±a, ±b and infinity with a = 3/4 and b = 4/3; the rounding error is half that of 0, ±1, ±2. With d
// the input tile (6 x 6), g the kernel (3 x 3) and y the output tile (4 x 4): y = Aᵀ ((G g Gᵀ) ∘ (Bᵀ d B)) A, where for
// a point p
//   a row of Bᵀ holds the coefficients of M(x) / (x - p) with M(x) = x (x² - a²)(x² - b²),
//   a row of G holds (1, p, p²) / Π (p - q) over the other points q,
//   a column of Aᵀ holds (1, p, p², p³).

#define POINT_A 0.75f
#define POINT_B (1 / 0.75f)
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

/// Transforms six numbers of an input tile along one axis: Bᵀ d, in place.
INLINE void transform_input(vec *d) {
  const float sum = SQUARE_A + SQUARE_B;
  vec even_a = d[4] - SQUARE_B * d[2], odd_a = POINT_A * (d[3] - SQUARE_B * d[1]);
  vec even_b = d[4] - SQUARE_A * d[2], odd_b = POINT_B * (d[3] - SQUARE_A * d[1]);
  d[0] = d[0] + (d[4] - sum * d[2]);
  d[5] = d[1] + (d[5] - sum * d[3]);
  d[1] = even_a + odd_a;
  d[2] = even_a - odd_a;
  d[3] = even_b + odd_b;
  d[4] = even_b - odd_b;
}

/// Transforms three numbers of a kernel along one axis: G g.
INLINE void transform_kernel(vec *u, vec g0, vec g1, vec g2) {
  const float a = 1 / (2 * SQUARE_A * (SQUARE_A - SQUARE_B)), b = 1 / (2 * SQUARE_B * (SQUARE_B - SQUARE_A));
  vec even_a = a * g0 + (a * SQUARE_A) * g2, odd_a = (a * POINT_A) * g1;
  vec even_b = b * g0 + (b * SQUARE_B) * g2, odd_b = (b * POINT_B) * g1;
  u[0] = g0;
  u[1] = even_a + odd_a;
  u[2] = even_a - odd_a;
  u[3] = even_b + odd_b;
  u[4] = even_b - odd_b;
  u[5] = g2;
}

/// Transforms six sums along one axis to four outputs: Aᵀ m, in place.
INLINE void transform_output(vec *m) {
  vec sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  m[0] = m[0] + (sum_a + sum_b);
  m[1] = POINT_A * difference_a + POINT_B * difference_b;
  m[2] = SQUARE_A * sum_a + SQUARE_B * sum_b;
  m[3] = (POINT_A * SQUARE_A) * difference_a + ((POINT_B * SQUARE_B) * difference_b + m[5]);
}

/// Transforms a panel of kernels: u[f][channel][16] from w[tap][channel][16].
static void winograd_kernels(float *restrict u, ptrdiff_t u_stride, const float *restrict w, ptrdiff_t w_stride,
                             ptrdiff_t channels) {
  for (ptrdiff_t i = 0; i < channels * ctk_panel_width; i += VECTOR_LENGTH) {
    vec half[6][3];
    UNROLL for (int column = 0; column < 3; column++) {
      vec u[6];
      transform_kernel(u, load(w + column * w_stride + i), load(w + (3 + column) * w_stride + i),
                       load(w + (6 + column) * w_stride + i));
      UNROLL for (int row = 0; row < 6; row++) half[row][column] = u[row];
    }
    UNROLL for (int row = 0; row < 6; row++) {
      vec line[6];
      transform_kernel(line, half[row][0], half[row][1], half[row][2]);
      UNROLL for (int column = 0; column < 6; column++) store(u + (row * 6 + column) * u_stride + i, line[column]);
    }
  }
}

/// Transforms one input tile: v[f][channel] from the 6 x 6 pixels at x. Only those in the given rows and columns exist;
/// the others are zero.
static void winograd_input(float *restrict v, ptrdiff_t v_stride, const float *x, ptrdiff_t row_stride,
                           ptrdiff_t column_stride, ptrdiff_t first_row, ptrdiff_t end_row, ptrdiff_t first_column,
                           ptrdiff_t end_column, ptrdiff_t channels) {
  _Bool whole = first_row == 0 && end_row == 6 && first_column == 0 && end_column == 6;
  for (ptrdiff_t c = 0; c < channels; c += VECTOR_LENGTH) {
    vec half[6][6];
    UNROLL for (int row = 0; row < 6; row++) {
      vec line[6];
      if (whole) {
        UNROLL for (int column = 0; column < 6; column++)
          line[column] = load(x + row * row_stride + column * column_stride + c);
      } else {
        UNROLL for (int column = 0; column < 6; column++) {
          _Bool exists = row >= first_row && row < end_row && column >= first_column && column < end_column;
          line[column] = exists ? load(x + row * row_stride + column * column_stride + c) : (vec){0};
        }
      }
      transform_input(line);
      UNROLL for (int column = 0; column < 6; column++) half[row][column] = line[column];
    }
    UNROLL for (int column = 0; column < 6; column++) {
      vec line[6];
      UNROLL for (int row = 0; row < 6; row++) line[row] = half[row][column];
      transform_input(line);
      UNROLL for (int row = 0; row < 6; row++) store(v + (row * 6 + column) * v_stride + c, line[row]);
    }
  }
}

/// Computes one output tile, of which `rows` x `columns` pixels exist: y := Aᵀ m A + bias + addend, with sums
/// m[f][channel].
static void winograd_output(float *y, ptrdiff_t row_stride, ptrdiff_t column_stride, const float *restrict m,
                            ptrdiff_t m_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channels,
                            const float *bias, const float *addend) {
  for (ptrdiff_t c = 0; c < channels; c += VECTOR_LENGTH) {
    vec half[4][6];
    UNROLL for (int column = 0; column < 6; column++) {
      vec line[6];
      UNROLL for (int row = 0; row < 6; row++) line[row] = load(m + (row * 6 + column) * m_stride + c);
      transform_output(line);
      UNROLL for (int row = 0; row < 4; row++) half[row][column] = line[row];
    }
    vec start = bias ? load(bias + c) : (vec){0};
    UNROLL for (int row = 0; row < 4; row++) {
      if (row >= rows) break;
      transform_output(half[row]);
      UNROLL for (int column = 0; column < 4; column++) {
        if (column >= columns) break;
        ptrdiff_t at = row * row_stride + column * column_stride + c;
        store(y + at, half[row][column] + start + (addend ? load(addend + at) : (vec){0}));
      }
    }
  }
}
