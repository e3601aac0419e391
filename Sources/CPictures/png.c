#include "CPictures.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

// Each job is two functions: the outer one owns the libpng structures, the inner one sets the jump and uses them. So
// no local variable is changed between a setjmp and its longjmp.

typedef struct {
  const uint8_t *bytes;
  size_t count;
  size_t position;
} source;

typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} sink;

static void fail(png_structp png, png_const_charp text) {
  char *message = png_get_error_ptr(png);
  strncpy(message, text, CPICTURES_MESSAGE_LENGTH - 1);
  message[CPICTURES_MESSAGE_LENGTH - 1] = 0;
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void take(png_structp png, png_bytep target, size_t count) {
  source *from = png_get_io_ptr(png);
  if (from->count - from->position < count) png_error(png, "the file ends early");
  memcpy(target, from->bytes + from->position, count);
  from->position += count;
}

static void put(png_structp png, png_bytep bytes, size_t count) {
  sink *to = png_get_io_ptr(png);
  if (to->capacity - to->count < count) {
    size_t capacity = to->capacity * 2 + count + 4096;
    uint8_t *grown = realloc(to->bytes, capacity);
    if (grown == NULL) png_error(png, "out of memory");
    to->bytes = grown;
    to->capacity = capacity;
  }
  memcpy(to->bytes + to->count, bytes, count);
  to->count += count;
}

static void flush(png_structp png) { (void)png; }

/// A row of pixels with alpha, laid on white.
static void lay_on_white(uint8_t *rgb, const uint8_t *rgba, uint32_t width) {
  for (uint32_t x = 0; x < width; x++, rgba += 4)
    for (int c = 0; c < 3; c++) {
      uint32_t mixed = rgba[c] * rgba[3] + 255 * (255 - rgba[3]) + 128;
      // Divided by 255, rounded.
      *rgb++ = (mixed + (mixed >> 8)) >> 8;
    }
}

/// Leaves memory in `rows` that the caller frees.
static int read_pixels(
    png_structp png, png_infop info, uint32_t width, uint32_t height, uint8_t *rgb, uint8_t **rows) {
  if (setjmp(png_jmpbuf(png))) return 0;
  // All chunks that say something about colour or carry text stay unread.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(png, info);
  if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height)
    png_error(png, "the header changed");

  int colour = png_get_color_type(png, info);
  // Palettes, short samples and transparent colours become eight or sixteen bits a channel, with alpha.
  png_set_expand(png);
  png_set_strip_16(png);
  if (!(colour & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  int channels = png_get_channels(png, info);
  size_t stride = (size_t)width * 3, source_stride = (size_t)width * channels;
  if ((channels != 3 && channels != 4) || png_get_rowbytes(png, info) != source_stride)
    png_error(png, "unexpected pixel format");

  uint8_t *source = rgb;
  if (channels == 4) {
    source = *rows = malloc(source_stride * (passes == 1 ? 1 : height));
    if (source == NULL) png_error(png, "out of memory");
  }
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t y = 0; y < height; y++) {
      uint8_t *row = channels == 4 && passes == 1 ? source : source + y * source_stride;
      png_read_row(png, row, NULL);
      if (channels == 4 && pass == passes - 1) lay_on_white(rgb + y * stride, row, width);
    }
  png_read_end(png, NULL);
  return 1;
}

int cpictures_png_read(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgb, char *message) {
  source from = {bytes, count, 0};
  message[0] = 0;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  int done = 0;
  uint8_t *rows = NULL;
  if (info) {
    png_set_read_fn(png, &from, take);
    done = read_pixels(png, info, width, height, rgb, &rows);
  }
  free(rows);
  png_destroy_read_struct(&png, &info, NULL);
  return done;
}

static int write_file(
    png_structp png, png_infop info, const uint8_t *rgb, uint32_t width, uint32_t height, const char *texts,
    size_t text_count) {
  if (setjmp(png_jmpbuf(png))) return 0;
  png_set_IHDR(
      png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
      PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
  for (size_t i = 0; i < text_count; i++) {
    png_text text = {.compression = PNG_ITXT_COMPRESSION_NONE, .lang = "", .lang_key = ""};
    text.key = (png_charp)texts;
    texts += strlen(texts) + 1;
    text.text = (png_charp)texts;
    text.itxt_length = strlen(texts);
    texts += text.itxt_length + 1;
    png_set_text(png, info, &text, 1);
  }
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; y++) png_write_row(png, rgb + (size_t)y * width * 3);
  png_write_end(png, NULL);
  return 1;
}

int cpictures_png_write(
    const uint8_t *rgb, uint32_t width, uint32_t height, const char *texts, size_t text_count, uint8_t **bytes,
    size_t *count, char *message) {
  sink to = {NULL, 0, 0};
  message[0] = 0;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  int done = 0;
  if (info) {
    png_set_write_fn(png, &to, put, flush);
    done = write_file(png, info, rgb, width, height, texts, text_count);
  }
  png_destroy_write_struct(&png, &info);
  if (!done) {
    free(to.bytes);
    to = (sink){NULL, 0, 0};
  }
  *bytes = to.bytes;
  *count = to.count;
  return done;
}

static int read_texts(png_structp png, png_infop info, png_infop end) {
  if (setjmp(png_jmpbuf(png))) return 0;
  png_read_info(png, info);
  // Texts may also follow the pixels, which must be passed over to get there.
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  png_read_end(png, end);
  return 1;
}

int cpictures_png_texts(
    const uint8_t *bytes, size_t count,
    void (*visit)(void *context, const char *key, const char *text, size_t length, int is_utf8), void *context,
    char *message) {
  source from = {bytes, count, 0};
  message[0] = 0;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  png_infop end = info ? png_create_info_struct(png) : NULL;
  int done = 0;
  if (end) {
    png_set_read_fn(png, &from, take);
    done = read_texts(png, info, end);
    png_infop parts[2] = {info, end};
    for (int part = 0; part < 2; part++) {
      png_textp texts = NULL;
      int text_count = 0;
      png_get_text(png, parts[part], &texts, &text_count);
      for (int i = 0; i < text_count; i++) {
        int is_utf8 = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE;
        size_t length = is_utf8 ? texts[i].itxt_length : texts[i].text_length;
        visit(context, texts[i].key, texts[i].text, length, is_utf8);
      }
    }
  }
  png_destroy_read_struct(&png, &info, &end);
  return done;
}
