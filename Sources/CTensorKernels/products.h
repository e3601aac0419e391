// Products with a matrix packed in panels of 16 columns: depth x 16 elements each, row by row.
//
// A strip of rows times one or two panels accumulates in registers; the rows of the first factor are read in place. The
// rows of a panel are b_step apart: 16, or more if panels are interleaved, as in attention.h. ROWS, the maximum number
// of rows in a strip, and PANELS, the number of panels processed at a time, are chosen to fill the registers of a
// level: ROWS * PANELS * PANEL_VECTORS accumulators, one row of the panels, and one broadcast.

/// The number of elements in a cache line.
#define LINE 16
/// The prefetch distance along a row, in elements.
#define AHEAD (2 * LINE)

/// Computes one strip: c := a b + bias + addend for `rows` rows and `panels` panels, both compile-time constants.
INLINE void multiply_strip(const int rows, const int panels, float *c, ptrdiff_t c_stride, const float *a,
                           ptrdiff_t a_stride, ptrdiff_t a_step, const float *b, ptrdiff_t panel_stride,
                           ptrdiff_t b_step, ptrdiff_t depth, const float *bias, const float *addend,
                           ptrdiff_t addend_stride) {
  const int vectors = panels * PANEL_VECTORS;
  vec sums[ROWS][PANELS * PANEL_VECTORS];
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int j = 0; j < vectors; j++) {
      vec start = {0};
      if (bias) start += load(bias + j * VECTOR_LENGTH);
      sums[i][j] = start;
    }
  }
  // Prefetch the rows, including those of the next strip: they are too far apart for the hardware prefetcher.
  for (ptrdiff_t k = 0; k < depth; k += LINE) {
    const float *ahead = a + AHEAD + (k + AHEAD < depth ? 0 : rows * a_stride - depth);
    if (a_step == 1) UNROLL for (int i = 0; i < rows; i++) __builtin_prefetch(ahead + i * a_stride);
    ptrdiff_t end = depth - k < LINE ? depth - k : LINE;
    for (ptrdiff_t at = 0; at < end; at++) {
      vec row[PANELS * PANEL_VECTORS];
      UNROLL for (int p = 0; p < panels; p++) {
        UNROLL for (int j = 0; j < PANEL_VECTORS; j++)
          row[p * PANEL_VECTORS + j] = load(b + p * panel_stride + j * VECTOR_LENGTH);
      }
      UNROLL for (int i = 0; i < rows; i++) {
        vec factor = splat(a[i * a_stride]);
        UNROLL for (int j = 0; j < vectors; j++) sums[i][j] += factor * row[j];
      }
      if (a_step != 1) __builtin_prefetch(a + 8 * a_step);
      a += a_step;
      b += b_step;
    }
  }
  // Earlier sums are added last, so that rounding errors grow with the depth of a block, not with the whole depth.
  UNROLL for (int i = 0; i < rows; i++) {
    UNROLL for (int j = 0; j < vectors; j++) {
      if (addend) sums[i][j] += load(addend + i * addend_stride + j * VECTOR_LENGTH);
      store(c + i * c_stride + j * VECTOR_LENGTH, sums[i][j]);
    }
  }
}

#define STRIP(rows) \
  case rows: \
    multiply_strip(rows, panels, c, c_stride, a, a_stride, a_step, b, panel_stride, b_step, depth, bias, addend, \
                   addend_stride); \
    break;

/// Computes a strip of up to ROWS rows.
INLINE void multiply_rows(ptrdiff_t rows, const int panels, float *c, ptrdiff_t c_stride, const float *a,
                          ptrdiff_t a_stride, ptrdiff_t a_step, const float *b, ptrdiff_t panel_stride,
                          ptrdiff_t b_step, ptrdiff_t depth, const float *bias, const float *addend,
                          ptrdiff_t addend_stride) {
  switch (rows) {
    STRIP(1) STRIP(2)
#if ROWS > 2
    STRIP(3) STRIP(4) STRIP(5) STRIP(6)
#endif
#if ROWS > 6
    STRIP(7) STRIP(8) STRIP(9) STRIP(10) STRIP(11) STRIP(12) STRIP(13) STRIP(14)
#endif
  }
}
#undef STRIP

/// Computes some panels for all rows, in strips of about equal height.
INLINE void multiply_columns(const int panels, float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride,
                             ptrdiff_t a_step, const float *b, ptrdiff_t panel_stride, ptrdiff_t b_step,
                             ptrdiff_t rows, ptrdiff_t depth, const float *bias, const float *addend,
                             ptrdiff_t addend_stride) {
  ptrdiff_t strips = (rows + ROWS - 1) / ROWS, height = rows / (strips ? strips : 1), higher = rows - height * strips;
  for (ptrdiff_t s = 0; s < strips; s++) {
    ptrdiff_t count = height + (s < higher);
    multiply_rows(count, panels, c, c_stride, a, a_stride, a_step, b, panel_stride, b_step, depth, bias, addend,
                  addend_stride);
    c += count * c_stride;
    a += count * a_stride;
    if (addend) addend += count * addend_stride;
  }
}

/// Computes the last panel, of which `columns` columns exist, in a buffer and copies it to c.
static void multiply_last_panel(float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, ptrdiff_t a_step,
                                const float *b, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *bias,
                                const float *addend, ptrdiff_t addend_stride) {
  float sums[ROWS * ctk_panel_width];
  for (ptrdiff_t first = 0; first < rows; first += ROWS) {
    ptrdiff_t count = rows - first < ROWS ? rows - first : ROWS;
    multiply_rows(count, 1, sums, ctk_panel_width, a + first * a_stride, a_stride, a_step, b, 0, ctk_panel_width, depth, 0, 0,
                  0);
    for (ptrdiff_t i = 0; i < count; i++) {
      for (ptrdiff_t j = 0; j < columns; j++) {
        float start = bias ? bias[j] : 0;
        if (addend) start += addend[(first + i) * addend_stride + j];
        c[(first + i) * c_stride + j] = sums[i * ctk_panel_width + j] + start;
      }
    }
  }
}

INLINE void multiply_all(float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, ptrdiff_t a_step,
                         const float *b, ptrdiff_t panel_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth,
                         const float *bias, const float *addend, ptrdiff_t addend_stride) {
  ptrdiff_t column = 0;
#define NEXT(member) (member ? member + column : 0)
#if PANELS == 2
  for (; column + 2 * ctk_panel_width <= columns; column += 2 * ctk_panel_width)
    multiply_columns(2, c + column, c_stride, a, a_stride, a_step, b + column / ctk_panel_width * panel_stride,
                     panel_stride, ctk_panel_width, rows, depth, NEXT(bias), NEXT(addend), addend_stride);
#endif
  for (; column + ctk_panel_width <= columns; column += ctk_panel_width)
    multiply_columns(1, c + column, c_stride, a, a_stride, a_step, b + column / ctk_panel_width * panel_stride,
                     panel_stride, ctk_panel_width, rows, depth, NEXT(bias), NEXT(addend), addend_stride);
  if (column < columns)
    multiply_last_panel(c + column, c_stride, a, a_stride, a_step, b + column / ctk_panel_width * panel_stride, rows,
                        columns - column, depth, NEXT(bias), NEXT(addend), addend_stride);
#undef NEXT
}

static void multiply_panels(float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, const float *b,
                            ptrdiff_t panel_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth,
                            const float *bias, const float *addend, ptrdiff_t addend_stride) {
  multiply_all(c, c_stride, a, a_stride, 1, b, panel_stride, rows, columns, depth, bias, addend, addend_stride);
}

static void multiply_transposed_panels(float *c, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride,
                                       const float *b, ptrdiff_t panel_stride, ptrdiff_t rows, ptrdiff_t columns,
                                       ptrdiff_t depth, const float *addend, ptrdiff_t addend_stride) {
  multiply_all(c, c_stride, a, 1, a_stride, b, panel_stride, rows, columns, depth, 0, addend, addend_stride);
}
