// Attention with online softmax (Milakov and Gimelshein 2018, arXiv 1805.02867; Dao et al. 2022, arXiv 2205.14135).
//
// Lanes are tokens: the rows of a group hold 16 or 32 queries (keys in the backward pass) side by side. Softmax
// therefore needs no horizontal sums, head sizes need no padding because they are row counts, and the tokens of the
// other side are read in place, one number at a time. Scores are in base 2: the scale that is multiplied into the lanes
// includes log2(e).

typedef float choosable __attribute__((ext_vector_type(VECTOR_LENGTH)));
typedef uint32_t exponents __attribute__((vector_size(4 * VECTOR_LENGTH)));

/// Returns the larger number; b if a is NaN.
INLINE vec larger(vec a, vec b) {
  choosable x = (choosable)a, y = (choosable)b;
  return (vec)(x > y ? x : y);
}

/// Returns 2^x for x up to 127 with a relative error of at most 1.7e-7. Results below 2^-126 are zero; NaN stays NaN.
INLINE vec power_of_2(vec x) {
  choosable low = (choosable)splat(-127.0f), y = (choosable)x;
  x = (vec)(y < low ? low : y);

  // Adding 1.5 * 2^23 rounds to an integer; the low bits then hold this integer plus the exponent bias.
  const float round = 12582912.0f + 127;
  vec n = x + round;
  exponents bits = (exponents)n << 23;
  vec r = x - (n - round);

  // Minimax polynomial for the relative error on |r| <= 1/2, exact at 0.
  vec p = splat(1.326472749024137e-3f);
  p = p * r + 9.671512641766527e-3f;
  p = p * r + 5.550733742307978e-2f;
  p = p * r + 2.402224208535769e-1f;
  p = p * r + 6.931469775997525e-1f;
  p = p * r + 1;
  return p * (vec)bits;
}

// MARK: Groups of lanes

#define LOG2_E 1.44269504088896341f

/// The maximum number of lanes in a group.
#define LANES (PANELS * ctk_panel_width)

/// Returns the number of panels of the group that begins with lane `first` of `count`.
INLINE int group_panels(ptrdiff_t first, ptrdiff_t count) {
  return PANELS == 2 && count - first > ctk_panel_width ? 2 : 1;
}

/// Calls a function with the number of panels as a constant.
#define OF_PANELS(function, panels, ...) \
  if (PANELS == 2 && panels == 2) \
    function(PANELS, __VA_ARGS__); \
  else \
    function(1, __VA_ARGS__);

/// Computes c := a b (+ c) for lanes b, with a of rows x depth read in place.
static __attribute__((noinline)) void multiply_lanes(int panels, float *c, const float *a, ptrdiff_t a_stride,
                                                     const float *b, ptrdiff_t rows, ptrdiff_t depth, _Bool adds) {
  if (PANELS == 2 && panels == 2)
    multiply_columns(PANELS, c, LANES, a, a_stride, 1, b, ctk_panel_width, LANES, rows, depth, 0, adds ? c : 0, LANES);
  else
    multiply_columns(1, c, ctk_panel_width, a, a_stride, 1, b, 0, ctk_panel_width, rows, depth, 0, adds ? c : 0,
                     ctk_panel_width);
}

/// The same with the transpose of a, which is depth x rows.
static __attribute__((noinline)) void multiply_transposed_lanes(int panels, float *c, const float *a,
                                                                ptrdiff_t a_stride, const float *b, ptrdiff_t rows,
                                                                ptrdiff_t depth, _Bool adds) {
  if (PANELS == 2 && panels == 2)
    multiply_columns(PANELS, c, LANES, a, 1, a_stride, b, ctk_panel_width, LANES, rows, depth, 0, adds ? c : 0, LANES);
  else
    multiply_columns(1, c, ctk_panel_width, a, 1, a_stride, b, 0, ctk_panel_width, rows, depth, 0, adds ? c : 0,
                     ctk_panel_width);
}

/// Reads or writes a tile of 16 x 16, of which `rows` x `columns` exist in memory; the others are read as zero.
INLINE void read_tile(wide *tile, const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t columns) {
  if (rows >= 16 && columns >= 16) {
    UNROLL for (int r = 0; r < 16; r++) read_tile_row(&tile[r], x + r * stride);
    return;
  }
  float part[16 * 16] = {0};
  for (ptrdiff_t r = 0; r < 16 && r < rows; r++)
    for (ptrdiff_t c = 0; c < 16 && c < columns; c++) part[r * 16 + c] = x[r * stride + c];
  UNROLL for (int r = 0; r < 16; r++) read_tile_row(&tile[r], part + r * 16);
}

INLINE void write_tile(float *y, ptrdiff_t stride, const wide *tile, ptrdiff_t rows, ptrdiff_t columns) {
  if (rows >= 16 && columns >= 16) {
    UNROLL for (int r = 0; r < 16; r++) *(wide *)(y + r * stride) = tile[r];
    return;
  }
  float part[16 * 16];
  UNROLL for (int r = 0; r < 16; r++) *(wide *)(part + r * 16) = tile[r];
  for (ptrdiff_t r = 0; r < 16 && r < rows; r++)
    for (ptrdiff_t c = 0; c < 16 && c < columns; c++) y[r * stride + c] = part[r * 16 + c];
}

/// Returns the first column of a tile: the last tile overlaps the one before it, unless it is the first.
INLINE ptrdiff_t tile_column(ptrdiff_t column, ptrdiff_t columns) {
  return columns < 16 || column + 16 <= columns ? column : columns - 16;
}

/// Packs up to 16 rows of x as lanes: y[column][row] := factor x[row][column]. Missing rows become zero.
static void pack_lanes(float *restrict y, ptrdiff_t y_step, const float *restrict x, ptrdiff_t x_stride,
                       ptrdiff_t rows, ptrdiff_t columns, float factor) {
  for (ptrdiff_t column = 0; column < columns; column += 16) {
    ptrdiff_t first = tile_column(column, columns);
    wide tile[16];
    read_tile(tile, x + first, x_stride, rows, columns - first);
    TRANSPOSE(tile)
    UNROLL for (int i = 0; i < 16; i++) tile[i] *= factor;
    write_tile(y + first * y_step, y_step, tile, columns - first, 16);
  }
}

/// Packs all lanes of one group.
static void pack_group(int panels, float *y, const float *x, ptrdiff_t x_stride, ptrdiff_t tokens, ptrdiff_t depth,
                       float factor) {
  for (int p = 0; p < panels; p++)
    pack_lanes(y + p * ctk_panel_width, panels * ctk_panel_width, x + p * ctk_panel_width * x_stride, x_stride,
               tokens - p * ctk_panel_width, depth, factor);
}

/// Unpacks up to 16 lanes to rows: y[row][column] := factors[row] * the sum of x[column][row] over all parts.
static void unpack_lanes(float *restrict y, ptrdiff_t y_stride, const float *restrict x, ptrdiff_t x_step,
                         ptrdiff_t parts, ptrdiff_t part_stride, ptrdiff_t rows, ptrdiff_t columns,
                         const wide *factors) {
  for (ptrdiff_t column = 0; column < columns; column += 16) {
    ptrdiff_t first = tile_column(column, columns);
    wide tile[16], more[16];
    read_tile(tile, x + first * x_step, x_step, columns - first, 16);
    for (ptrdiff_t part = 1; part < parts; part++) {
      read_tile(more, x + part * part_stride + first * x_step, x_step, columns - first, 16);
      UNROLL for (int i = 0; i < 16; i++) tile[i] += more[i];
    }
    UNROLL for (int i = 0; i < 16; i++) tile[i] *= *factors;
    TRANSPOSE(tile)
    write_tile(y + first, y_stride, tile, rows, columns - first);
  }
}

// MARK: Forward pass

/// Sets masked scores to minus infinity: lane i sees the first seen + i keys.
static void hide_keys(float *scores, ptrdiff_t lanes, ptrdiff_t keys, ptrdiff_t seen) {
  for (ptrdiff_t key = seen > 0 ? seen : 0; key < keys; key++)
    for (ptrdiff_t lane = 0; lane < lanes && seen + lane <= key; lane++) scores[key * lanes + lane] = -INFINITY;
}

/// Resets the statistics. The maximum is not minus infinity, because the difference of two infinities is NaN.
static void clear_group(float *maxima, float *sums, ptrdiff_t lanes) {
  for (ptrdiff_t i = 0; i < lanes; i++) maxima[i] = -FLT_MAX;
  for (ptrdiff_t i = 0; i < lanes; i++) sums[i] = 0;
}

/// Replaces scores by exponentials relative to the running maximum, and rescales earlier sums to the new maximum.
INLINE void weigh_group(const int panels, float *restrict scores, ptrdiff_t keys, float *restrict maxima,
                        float *restrict sums, float *restrict outputs, ptrdiff_t depth, _Bool is_first) {
  enum { most = PANELS * PANEL_VECTORS };
  const int vectors = panels * PANEL_VECTORS, lanes = panels * ctk_panel_width;
  vec maximum[most], other[most], sum[most], factor[most];
  UNROLL for (int j = 0; j < vectors; j++) {
    maximum[j] = load(maxima + j * VECTOR_LENGTH);
    other[j] = maximum[j];
  }
  ptrdiff_t key = 0;
  for (; key + 2 <= keys; key += 2) {
    UNROLL for (int j = 0; j < vectors; j++) {
      maximum[j] = larger(load(scores + key * lanes + j * VECTOR_LENGTH), maximum[j]);
      other[j] = larger(load(scores + (key + 1) * lanes + j * VECTOR_LENGTH), other[j]);
    }
  }
  UNROLL for (int j = 0; j < vectors; j++) {
    if (key < keys) maximum[j] = larger(load(scores + key * lanes + j * VECTOR_LENGTH), maximum[j]);
    maximum[j] = larger(maximum[j], other[j]);
    sum[j] = splat(0);
    factor[j] = power_of_2(load(maxima + j * VECTOR_LENGTH) - maximum[j]);
    store(maxima + j * VECTOR_LENGTH, maximum[j]);
  }
  if (!is_first) {
    for (ptrdiff_t c = 0; c < depth; c++) {
      UNROLL for (int j = 0; j < vectors; j++) {
        float *at = outputs + c * lanes + j * VECTOR_LENGTH;
        store(at, factor[j] * load(at));
      }
    }
  }
  for (ptrdiff_t key = 0; key < keys; key++) {
    UNROLL for (int j = 0; j < vectors; j++) {
      float *at = scores + key * lanes + j * VECTOR_LENGTH;
      vec weight = power_of_2(load(at) - maximum[j]);
      sum[j] += weight;
      store(at, weight);
    }
  }
  UNROLL for (int j = 0; j < vectors; j++) {
    float *at = sums + j * VECTOR_LENGTH;
    store(at, factor[j] * load(at) + sum[j]);
  }
}

static void attend(float *o, float *statistics, ptrdiff_t statistic_stride, const float *q, const float *k,
                   const float *v, ptrdiff_t stride, ptrdiff_t queries, ptrdiff_t keys, ptrdiff_t depth, float scale,
                   ptrdiff_t seen, float *scratch) {
  float *packed = scratch, *outputs = packed + ctk_attention_queries * depth;
  float *maxima = outputs + ctk_attention_queries * depth, *sums = maxima + ctk_attention_queries;
  float *scores = sums + ctk_attention_queries;
  for (ptrdiff_t i = 0; i < queries; i += LANES)
    pack_group(group_panels(i, queries), packed + i * depth, q + i * stride, stride, queries - i, depth,
               scale * LOG2_E);
  clear_group(maxima, sums, ctk_attention_queries);

  ptrdiff_t block = ctk_attention_keys(depth);
  for (ptrdiff_t key = 0; key < keys; key += block) {
    for (ptrdiff_t i = 0; i < queries; i += LANES) {
      int panels = group_panels(i, queries), lanes = panels * ctk_panel_width;
      ptrdiff_t count = keys - key < block ? keys - key : block;
      multiply_lanes(panels, scores, k + key * stride, stride, packed + i * depth, count, depth, 0);
      if (seen + i < key + count) hide_keys(scores, lanes, count, seen + i - key);
      OF_PANELS(weigh_group, panels, scores, count, maxima + i, sums + i, outputs + i * depth, depth, key == 0);
      multiply_transposed_lanes(panels, outputs + i * depth, v + key * stride, stride, scores, depth, count, key > 0);
    }
  }

  for (ptrdiff_t i = 0; i < queries; i += LANES) {
    int panels = group_panels(i, queries), lanes = panels * ctk_panel_width;
    for (ptrdiff_t at = i; at < i + lanes && at < queries; at += ctk_panel_width) {
      wide factors = 1 / *(const wide *)(sums + at);
      ptrdiff_t count = queries - at < ctk_panel_width ? queries - at : ctk_panel_width;
      unpack_lanes(o + at * stride, stride, outputs + i * depth + (at - i), lanes, 1, 0, count, depth, &factors);
      if (!statistics) continue;
      memcpy(statistics + at, maxima + at, (size_t)count * sizeof(float));
      memcpy(statistics + statistic_stride + at, &factors, (size_t)count * sizeof(float));
    }
  }
}

static void attention_probabilities(float *p, const float *q, const float *k, ptrdiff_t stride, ptrdiff_t queries,
                                    ptrdiff_t keys, ptrdiff_t depth, float scale, ptrdiff_t seen, float *scratch) {
  float *packed = scratch, *maxima = packed + LANES * depth, *sums = maxima + LANES, *scores = sums + LANES;
  for (ptrdiff_t i = 0; i < queries; i += LANES) {
    int panels = group_panels(i, queries), lanes = panels * ctk_panel_width;
    pack_group(panels, packed, q + i * stride, stride, queries - i, depth, scale * LOG2_E);
    multiply_lanes(panels, scores, k, stride, packed, keys, depth, 0);
    if (seen + i < keys) hide_keys(scores, lanes, keys, seen + i);
    clear_group(maxima, sums, lanes);
    OF_PANELS(weigh_group, panels, scores, keys, maxima, sums, 0, 0, 1)
    for (ptrdiff_t at = 0; at < lanes && i + at < queries; at += ctk_panel_width) {
      wide factors = 1 / *(const wide *)(sums + at);
      unpack_lanes(p + (i + at) * keys, keys, scores + at, lanes, 1, 0, queries - i - at, keys, &factors);
    }
  }
}

// MARK: Backward pass

/// Sets masked scores to minus infinity, with keys as lanes: query i sees the first seen + i keys.
static void hide_queries(float *scores, ptrdiff_t lanes, ptrdiff_t queries, ptrdiff_t seen) {
  for (ptrdiff_t i = 0; i < queries; i++)
    for (ptrdiff_t key = seen + i > 0 ? seen + i : 0; key < lanes; key++) scores[i * lanes + key] = -INFINITY;
}

/// Replaces scores by probabilities; lanes are keys, rows are queries.
INLINE void restore_group(const int panels, float *restrict scores, ptrdiff_t queries, const float *maxima,
                          const float *factors) {
  const int vectors = panels * PANEL_VECTORS;
  for (ptrdiff_t i = 0; i < queries; i++) {
    vec maximum = splat(maxima[i]), factor = splat(factors[i]);
    UNROLL for (int j = 0; j < vectors; j++) {
      float *at = scores + (i * vectors + j) * VECTOR_LENGTH;
      store(at, power_of_2(load(at) - maximum) * factor);
    }
  }
}

/// Replaces gradients of probabilities by gradients of scores (without the scale).
INLINE void pull_group(const int panels, float *restrict gradients, const float *restrict probabilities,
                       ptrdiff_t queries, const float *means) {
  const int vectors = panels * PANEL_VECTORS;
  for (ptrdiff_t i = 0; i < queries; i++) {
    vec mean = splat(means[i]);
    UNROLL for (int j = 0; j < vectors; j++) {
      ptrdiff_t at = (i * vectors + j) * VECTOR_LENGTH;
      store(gradients + at, load(probabilities + at) * (load(gradients + at) - mean));
    }
  }
}

static void attend_vjp(float *dq, float *dk, float *dv, const float *q, const float *k, const float *v,
                       const float *o, const float *dy, ptrdiff_t stride, const float *statistics,
                       ptrdiff_t statistic_stride, ptrdiff_t queries, ptrdiff_t keys, ptrdiff_t depth, float scale,
                       ptrdiff_t seen, float *scratch) {
  enum { rows = ctk_attention_queries, columns = ctk_attention_gradient_keys };
  float *packed_k = scratch, *packed_v = packed_k + columns * depth;
  float *p = packed_v + columns * depth, *ds = p + rows * LANES;
  float *turned = ds + rows * LANES, *means = turned + rows * columns;
  // The mean of the gradient of the probabilities equals the dot product of output and upstream gradient.
  for (ptrdiff_t i = 0; i < queries; i++) {
#pragma clang fp reassociate(on) contract(fast)
    float sum = 0;
    for (ptrdiff_t c = 0; c < depth; c++) sum += o[i * stride + c] * dy[i * stride + c];
    means[i] = sum;
  }

  for (ptrdiff_t key = 0; key < keys; key += columns) {
    ptrdiff_t key_count = keys - key < columns ? keys - key : columns;
    for (ptrdiff_t j = 0; j < key_count; j += LANES) {
      int panels = group_panels(j, key_count);
      pack_group(panels, packed_k + j * depth, k + (key + j) * stride, stride, key_count - j, depth, scale * LOG2_E);
      pack_group(panels, packed_v + j * depth, v + (key + j) * stride, stride, key_count - j, depth, 1);
    }
    for (ptrdiff_t i = 0; i < queries; i += rows) {
      ptrdiff_t count = queries - i < rows ? queries - i : rows;
      const float *q_rows = q + i * stride, *dy_rows = dy + i * stride;
      for (ptrdiff_t j = 0; j < key_count; j += LANES) {
        int panels = group_panels(j, key_count), lanes = panels * ctk_panel_width;
        multiply_lanes(panels, p, q_rows, stride, packed_k + j * depth, count, depth, 0);
        if (seen + i < key + j + lanes) hide_queries(p, lanes, count, seen + i - key - j);
        OF_PANELS(restore_group, panels, p, count, statistics + i, statistics + statistic_stride + i);
        if (dv) multiply_transposed_lanes(panels, dv + (key + j) * depth, dy_rows, stride, p, depth, count, i > 0);
        if (!dq && !dk) continue;
        multiply_lanes(panels, ds, dy_rows, stride, packed_v + j * depth, count, depth, 0);
        OF_PANELS(pull_group, panels, ds, p, count, means + i);
        if (dk) multiply_transposed_lanes(panels, dk + (key + j) * depth, q_rows, stride, ds, depth, count, i > 0);
        if (!dq) continue;
        for (ptrdiff_t lane = 0; lane < count; lane += LANES) {
          int query_panels = group_panels(lane, count);
          pack_group(query_panels, turned + lane * columns + j * query_panels * ctk_panel_width, ds + lane * lanes,
                     lanes, count - lane, key_count - j < lanes ? key_count - j : lanes, 1);
        }
      }
      if (!dq) continue;
      for (ptrdiff_t lane = 0; lane < count; lane += LANES)
        multiply_transposed_lanes(group_panels(lane, count), dq + (i + lane) * depth, k + key * stride, stride,
                                  turned + lane * columns, depth, key_count, key > 0);
    }
  }
}

static void sum_lanes(float *y, ptrdiff_t y_stride, const float *x, ptrdiff_t parts, ptrdiff_t part_stride,
                      ptrdiff_t tokens, ptrdiff_t depth, float factor) {
  wide factors = (wide){0} + factor;
  for (ptrdiff_t i = 0; i < tokens; i += LANES) {
    int panels = group_panels(i, tokens), lanes = panels * ctk_panel_width;
    for (ptrdiff_t at = i; at < i + lanes && at < tokens; at += ctk_panel_width)
      unpack_lanes(y + at * y_stride, y_stride, x + i * depth + (at - i), lanes, parts, part_stride, tokens - at,
                   depth, &factors);
  }
}
