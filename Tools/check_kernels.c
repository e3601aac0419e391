// Compares the kernels of the current level with plain loops in double precision, for processors on which the
// package's own tests do not run (make check-aarch64).

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CTensorKernels.h"

static int failures = 0;

static float *numbers(ptrdiff_t count, unsigned seed) {
  float *x = aligned_alloc(64, ((size_t)count * sizeof(float) + 63) / 64 * 64 + 64);
  uint32_t state = seed * 2654435761u + 1;
  for (ptrdiff_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    x[i] = (float)(state >> 8) / (float)(1 << 23) - 1;
  }
  return x;
}

static void expect(const char *what, double error, double limit) {
  if (!(error <= limit)) {
    printf("FAILED %s: error %g, more than %g\n", what, error, limit);
    failures++;
  }
}

static void check_products(void) {
  double error = 0;
  for (ptrdiff_t rows = 1; rows <= 31; rows++) {
    ptrdiff_t all[] = {1, 15, 16, 17, 32, 48, 70};
    for (int n = 0; n < 7; n++) {
      ptrdiff_t columns = all[n], panels = (columns + 15) / 16, depth = 3 + rows;
      float *a = numbers(rows * depth, 1), *t = numbers(rows * depth, 1), *b = numbers(panels * 16 * depth, 2);
      float *bias = numbers(columns, 3), *addend = numbers(rows * columns, 4);
      float *c = numbers(rows * columns, 5), *d = numbers(rows * columns, 5);
      for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t k = 0; k < depth; k++) t[k * rows + i] = a[i * depth + k];
      ctk_multiply_panels(c, columns, a, depth, b, depth * 16, rows, columns, depth, bias, addend, columns);
      ctk_multiply_transposed_panels(d, columns, t, rows, b, depth * 16, rows, columns, depth, addend, columns);
      for (ptrdiff_t i = 0; i < rows; i++) {
        for (ptrdiff_t j = 0; j < columns; j++) {
          double sum = addend[i * columns + j];
          for (ptrdiff_t k = 0; k < depth; k++) sum += (double)a[i * depth + k] * b[(j / 16 * depth + k) * 16 + j % 16];
          error = fmax(error, fabs(d[i * columns + j] - sum));
          error = fmax(error, fabs(c[i * columns + j] - (sum + bias[j])));
        }
      }
      free(a), free(t), free(b), free(bias), free(addend), free(c), free(d);
    }
  }
  expect("products", error, 1e-5);
}

static void check_packing(void) {
  double error = 0;
  ptrdiff_t inputs = 5, taps = 9, length = inputs * taps;
  float *x = numbers(13 * length, 1), *panel = numbers(length * 16, 2);
  ctk_pack_rows(panel, x, length, 13, inputs, taps);
  for (ptrdiff_t i = 0; i < length * 16; i++) {
    ptrdiff_t r = i % 16, tap = i / 16 / inputs, input = i / 16 % inputs;
    error = fmax(error, fabs(panel[i] - (r < 13 ? x[r * length + input * taps + tap] : 0)));
  }
  uint16_t half[512];
  for (int i = 0; i < 512; i++) half[i] = (uint16_t)(0x3000 + 17 * i);
  float y[512], wide[512];
  ctk_widen_f16(wide, half, 512);
  ctk_transpose_tiles_f16(y, 256, half, 256, 2);
  for (int i = 0; i < 512; i++) {
    double expected = ldexp(1024 + (half[i] & 1023), (half[i] >> 10) - 25);
    error = fmax(error, fabs(wide[i] - expected));
    error = fmax(error, fabs(y[i / 256 * 256 + i % 16 * 16 + i % 256 / 16] - expected));
  }
  ctk_transpose_tiles(y, 256, wide, 256, 2);
  for (int i = 0; i < 512; i++) error = fmax(error, fabs(y[i / 256 * 256 + i % 16 * 16 + i % 256 / 16] - wide[i]));
  expect("packing", error, 0);
  free(x), free(panel);
}

static void check_winograd(void) {
  enum { channels = 32, outputs = 16, stride = channels * 16 + 16 };
  float *x = numbers(36 * channels, 1), *w = numbers(9 * channels * outputs, 2);
  float *u = numbers(36 * stride, 3), *v = numbers(36 * (channels + 16), 4), *m = numbers(36 * 32, 5);
  float y[16 * outputs];
  ctk_winograd_kernels(u, stride, w, channels * 16, channels);
  ctk_winograd_input(v, channels + 16, x, 6 * channels, channels, 1, 6, 0, 5, channels);
  for (int f = 0; f < 36; f++) {
    for (int o = 0; o < outputs; o++) {
      double sum = 0;
      for (int c = 0; c < channels; c++) sum += (double)v[f * (channels + 16) + c] * u[f * stride + c * 16 + o];
      m[f * 32 + o] = (float)sum;
    }
  }
  ctk_winograd_output(y, 4 * outputs, outputs, m, 32, 4, 4, outputs, 0, 0);
  double error = 0;
  for (int i = 0; i < 16 * outputs; i++) {
    int row = i / outputs / 4, column = i / outputs % 4, o = i % outputs;
    double sum = 0;
    for (int tap = 0; tap < 9; tap++) {
      int r = row + tap / 3, c = column + tap % 3;
      if (r < 1 || c > 4) continue;
      for (int k = 0; k < channels; k++) sum += (double)x[(r * 6 + c) * channels + k] * w[(tap * channels + k) * 16 + o];
    }
    error = fmax(error, fabs(y[i] - sum));
  }
  expect("minimal filtering", error, 1e-4);
  free(x), free(w), free(u), free(v), free(m);
}

static void check_elementwise(void) {
  enum { n = 1003 };
  float *x = numbers(n, 1), y[n];
  double exponential = 0, silu = 0, gelu = 0;
  for (int i = 0; i < n; i++) x[i] *= 8;
  ctk_exponentials(y, x, n);
  for (int i = 0; i < n; i++) exponential = fmax(exponential, fabs(y[i] / exp(x[i]) - 1));
  ctk_silu(y, x, n);
  for (int i = 0; i < n; i++) silu = fmax(silu, fabs(y[i] - x[i] / (1 + exp(-(double)x[i]))));
  ctk_gelu(y, x, n);
  for (int i = 0; i < n; i++) gelu = fmax(gelu, fabs(y[i] - x[i] * erfc(-x[i] / sqrt(2)) / 2));
  expect("exponentials", exponential, 1.2e-7);
  expect("SiLU", silu, 2e-6);
  expect("GELU", gelu, 2e-6);
  free(x);
}

static void check_rows(void) {
  enum { rows = 5, columns = 77 };
  float *x = numbers(rows * columns, 1), *scale = numbers(columns, 2), *shift = numbers(columns, 3);
  float y[rows * columns], p[rows * columns];
  memcpy(p, x, sizeof p);
  ctk_softmax_rows(p, rows, columns, columns, 2);
  ctk_layer_norm_rows(y, x, scale, shift, rows, columns, 1e-5f);
  double softmax = 0, norm = 0;
  for (int r = 0; r < rows; r++) {
    double sum = 0, mean = 0, variance = 0;
    for (int i = 0; i < columns; i++) {
      sum += exp(2 * (double)x[r * columns + i]);
      mean += (double)x[r * columns + i] / columns;
    }
    for (int i = 0; i < columns; i++) variance += pow(x[r * columns + i] - mean, 2) / columns;
    for (int i = 0; i < columns; i++) {
      int at = r * columns + i;
      softmax = fmax(softmax, fabs(p[at] - exp(2 * (double)x[at]) / sum));
      norm = fmax(norm, fabs(y[at] - ((x[at] - mean) / sqrt(variance + 1e-5) * scale[i] + shift[i])));
    }
  }
  expect("softmax", softmax, 1e-6);
  expect("layer norm", norm, 1e-5);
  double squares = 0;
  for (int i = 0; i < rows * columns; i++) squares += (double)x[i] * x[i];
  expect("dot product", fabs(ctk_dot(x, x, rows * columns) - squares), 1e-9);
  free(x), free(scale), free(shift);
}

int main(void) {
  check_products();
  check_packing();
  check_winograd();
  check_elementwise();
  check_rows();
  printf("%s, level %d\n", failures ? "kernels differ from plain loops" : "all kernels agree with plain loops", ctk_current_level());
  return failures != 0;
}
