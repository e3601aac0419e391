// Conversion between rows of a matrix and panels of 16 columns, which hold the transpose (see products.h).

typedef float wide __attribute__((vector_size(64), aligned(4)));

INLINE void read_tile_row(wide *y, const float *x) { *y = *(const wide *)x; }

INLINE void read_tile_row_f16(wide *y, const uint16_t *x) {
  UNROLL for (int i = 0; i < 16; i++) (*y)[i] = number_of_f16(x[i]);
}

INLINE void read_tile_row_bf16(wide *y, const uint16_t *x) {
  typedef uint32_t bits __attribute__((vector_size(64)));
  typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));
  *y = (wide)(__builtin_convertvector(*(const halves *)x, bits) << 16);
}

/// Exchanges the halves of blocks of lanes between two vectors: one step of a transposition.
#define EXCHANGE(x, y, low, high) \
  { \
    __typeof__(x) x_ = x, y_ = y; \
    x = __builtin_shufflevector(x_, y_, low); \
    y = __builtin_shufflevector(x_, y_, high); \
  }
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

#define TRANSPOSE(x) \
  UNROLL for (int i = 0; i < 8; i++) EXCHANGE(x[i], x[i + 8], LOW_8, HIGH_8) \
  UNROLL for (int i = 0; i < 16; i++) if (!(i & 4)) EXCHANGE(x[i], x[i + 4], LOW_4, HIGH_4) \
  UNROLL for (int i = 0; i < 16; i++) if (!(i & 2)) EXCHANGE(x[i], x[i + 2], LOW_2, HIGH_2) \
  UNROLL for (int i = 0; i < 16; i++) if (!(i & 1)) EXCHANGE(x[i], x[i + 1], LOW_1, HIGH_1)

/// Transposes contiguous tiles of 16 x 16 elements: y := the transpose of each tile of x, whose rows READ_ROW reads.
#define TRANSPOSED_TILES(name, scalar, READ_ROW) \
  static void name(float *restrict y, ptrdiff_t y_stride, const scalar *restrict x, ptrdiff_t x_stride, \
                   ptrdiff_t tiles) { \
    for (ptrdiff_t t = 0; t < tiles; t++) { \
      wide tile[16]; \
      UNROLL for (int i = 0; i < 16; i++) READ_ROW(&tile[i], x + t * x_stride + i * 16); \
      TRANSPOSE(tile) \
      UNROLL for (int i = 0; i < 16; i++) *(wide *)(y + t * y_stride + i * 16) = tile[i]; \
    } \
  }

TRANSPOSED_TILES(transpose_tiles, float, read_tile_row)
TRANSPOSED_TILES(transpose_tiles_f16, uint16_t, read_tile_row_f16)
TRANSPOSED_TILES(transpose_tiles_bf16, uint16_t, read_tile_row_bf16)

/// Packs up to 16 rows of a matrix as one panel: (tap, input) x 16 from rows x (input, tap). Missing rows become zero.
#define PACKED_ROWS(name, scalar) \
  static void name(scalar *restrict panel, const scalar *restrict x, ptrdiff_t x_stride, ptrdiff_t rows, \
                   ptrdiff_t inputs, ptrdiff_t taps) { \
    for (ptrdiff_t tap = 0; tap < taps; tap++) { \
      for (ptrdiff_t i = 0; i < inputs; i++) { \
        scalar *to = panel + (tap * inputs + i) * 16; \
        const scalar *from = x + i * taps + tap; \
        for (ptrdiff_t r = 0; r < rows; r++) to[r] = from[r * x_stride]; \
        for (ptrdiff_t r = rows; r < 16; r++) to[r] = 0; \
      } \
    } \
  }

PACKED_ROWS(pack_rows, float)
PACKED_ROWS(pack_rows_16, uint16_t)
