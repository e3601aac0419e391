#include "CPictures.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

// Each operation consists of two functions: the outer one owns the libpng structures, the inner one calls setjmp and
// uses them. No local variable therefore changes between a setjmp and its longjmp.

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

static void write_message(char *message, png_const_charp text) {
  strncpy(message, text, CPICTURES_MESSAGE_LENGTH - 1);
  message[CPICTURES_MESSAGE_LENGTH - 1] = 0;
}

static void fail(png_structp png, png_const_charp text) {
  write_message(png_get_error_ptr(png), text);
  png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void take(png_structp png, png_bytep target, size_t count) {
  source *from = png_get_io_ptr(png);
  if (from->count - from->position < count) png_error(png, "the file is truncated");
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

struct cpictures_png {
  png_structp png;
  png_infop info;
  source from;
  char *message;
  /// Whether libpng has warned about the profile.
  int has_profile_fault;
};

static void fail_reading(png_structp png, png_const_charp text) {
  cpictures_png *picture = png_get_error_ptr(png);
  write_message(picture->message, text);
  png_longjmp(png, 1);
}

static void notice(png_structp png, png_const_charp text) {
  cpictures_png *picture = png_get_error_ptr(png);
  if (strncmp(text, "iCCP", 4) == 0) picture->has_profile_fault = 1;
}

static int read_header(cpictures_png *picture, size_t profile_limit, cpictures_png_header *header) {
  png_structp png = picture->png;
  png_infop info = picture->info;
  if (setjmp(png_jmpbuf(png))) return 0;
  // Of the ancillary chunks, read only the profile and the EXIF data.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "iCCP\0eXIf", 2);
  png_set_chunk_malloc_max(png, profile_limit);
  png_read_info(png, info);
  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  header->depth = png_get_bit_depth(png, info);

  png_charp name;
  int compression;
  png_bytep profile;
  png_uint_32 profile_count;
  if (png_get_iCCP(png, info, &name, &compression, &profile, &profile_count)) {
    header->profile = profile;
    header->profile_count = profile_count;
  }
  header->has_damaged_profile = header->profile == NULL && picture->has_profile_fault;

  // Expand palettes, short samples and transparent colors to 8 or 16 bits per channel, with alpha.
  png_set_expand(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  png_set_swap(png);
#endif
  header->passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  header->channels = png_get_channels(png, info);
  header->bytes_per_sample = png_get_bit_depth(png, info) / 8;
  if (png_get_rowbytes(png, info) != (size_t)header->width * header->channels * header->bytes_per_sample)
    png_error(png, "unexpected pixel format");
  return 1;
}

cpictures_png *cpictures_png_open(
    const uint8_t *bytes, size_t count, size_t profile_limit, cpictures_png_header *header, char *message) {
  *header = (cpictures_png_header){0};
  message[0] = 0;
  cpictures_png *picture = calloc(1, sizeof *picture);
  if (picture == NULL) return NULL;
  picture->from = (source){bytes, count, 0};
  picture->message = message;
  picture->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, picture, fail_reading, notice);
  picture->info = picture->png ? png_create_info_struct(picture->png) : NULL;
  if (picture->info) {
    png_set_read_fn(picture->png, &picture->from, take);
    if (read_header(picture, profile_limit, header)) return picture;
  }
  cpictures_png_close(picture);
  return NULL;
}

int cpictures_png_row(cpictures_png *picture, void *row) {
  if (setjmp(png_jmpbuf(picture->png))) return 0;
  png_read_row(picture->png, row, NULL);
  return 1;
}

int cpictures_png_end(cpictures_png *picture, const uint8_t **exif, size_t *exif_count) {
  *exif = NULL;
  *exif_count = 0;
  if (setjmp(png_jmpbuf(picture->png))) return 0;
  png_read_end(picture->png, picture->info);
  png_uint_32 found_count;
  png_bytep found;
  if (png_get_eXIf_1(picture->png, picture->info, &found_count, &found)) {
    *exif = found;
    *exif_count = found_count;
  }
  return 1;
}

void cpictures_png_close(cpictures_png *picture) {
  png_destroy_read_struct(&picture->png, &picture->info, NULL);
  free(picture);
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
  // Texts may also follow the pixels, so the pixels must be skipped.
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
