#pragma once
#include <stddef.h>
#include <stdint.h>

// PNG by libpng's classic interface. It reports errors by longjmp, which must not cross Swift frames; here it never
// leaves C. The simplified interface would not jump, but it converts 16-bit and gAMA pictures to another gamma.

/// Room for one of libpng's messages.
#define CPICTURES_MESSAGE_LENGTH 160

/// A PNG that is being read.
typedef struct cpictures_png cpictures_png;

/// What stands before the pixels of a PNG.
typedef struct {
  uint32_t width, height;
  /// The bits of a sample in the file, or of a palette's index: 1, 2, 4, 8 or 16.
  int depth;
  /// Of a row that is read: 1 is grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
  int channels;
  /// 1, or 2 for samples in the processor's byte order.
  int bytes_per_sample;
  /// How often all rows are read; each time the row must hold what it held before.
  int passes;
  /// The ICC profile, which lives as long as the reader; NULL if there is none that is sound.
  const uint8_t *profile;
  size_t profile_count;
  int has_damaged_profile;
} cpictures_png_header;

/// Begins to read a PNG. Palettes are expanded, transparent colours become alpha; gamma is not looked at.
///
/// A profile of more than `profile_limit` bytes counts as damaged. `bytes` and `message` must live as long as the reader.
/// Returns NULL with a `message` for a picture that is damaged or ends early.
cpictures_png *cpictures_png_open(
    const uint8_t *bytes, size_t count, size_t profile_limit, cpictures_png_header *header, char *message);

/// Reads the next row. Returns 1, or 0 with the message for a picture that is damaged or ends early.
int cpictures_png_row(cpictures_png *picture, void *row);

/// Reads what follows the pixels. The EXIF data live as long as the reader; NULL if there are none.
///
/// Returns as `cpictures_png_row`.
int cpictures_png_end(cpictures_png *picture, const uint8_t **exif, size_t *exif_count);

void cpictures_png_close(cpictures_png *picture);

/// Writes 8-bit RGB rows as an sRGB PNG with text.
///
/// `texts` is `text_count` times a keyword and a UTF-8 text, each ended by a zero byte. Returns 1 with the file in
/// `*bytes`, which the caller frees, or 0 with a `message`.
int cpictures_png_write(
    const uint8_t *rgb, uint32_t width, uint32_t height, const char *texts, size_t text_count, uint8_t **bytes,
    size_t *count, char *message);

/// Calls `visit` with each text of a PNG: tEXt, zTXt and iTXt, the first two in Latin-1, the last in UTF-8.
///
/// Texts before the damage of a damaged file are visited. Returns 1, or 0 with a `message`.
int cpictures_png_texts(
    const uint8_t *bytes, size_t count,
    void (*visit)(void *context, const char *key, const char *text, size_t length, int is_utf8), void *context,
    char *message);
