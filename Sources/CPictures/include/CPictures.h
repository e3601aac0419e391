#pragma once
#include <stddef.h>
#include <stdint.h>

// PNG decoding and encoding with libpng's classic interface. It reports errors by longjmp, which must not cross Swift
// frames; here it stays within C. The simplified interface does not jump, but it changes the gamma of 16-bit images and
// of images with a gAMA chunk.

/// The buffer size for a libpng message.
#define CPICTURES_MESSAGE_LENGTH 160

/// A reader of a PNG.
typedef struct cpictures_png cpictures_png;

/// The header of a PNG: everything before the pixels.
typedef struct {
  uint32_t width, height;
  /// The bits per sample, or per palette index, in the file: 1, 2, 4, 8 or 16.
  int depth;
  /// The channels of a decoded row: 1 is gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
  int channels;
  /// 1, or 2 for samples in native byte order.
  int bytes_per_sample;
  /// The number of times all rows are read; in each pass the row buffer must hold its previous content.
  int passes;
  /// The ICC profile, valid until the reader is closed; NULL if there is no valid one.
  const uint8_t *profile;
  size_t profile_count;
  int has_damaged_profile;
} cpictures_png_header;

/// Opens a PNG and reads its header. Palettes are expanded, transparent colors become alpha; gamma is ignored.
///
/// A profile of more than `profile_limit` bytes counts as damaged. `bytes` and `message` must stay valid until the
/// reader is closed. Returns NULL and sets `message` if the file is damaged or truncated.
cpictures_png *cpictures_png_open(
    const uint8_t *bytes, size_t count, size_t profile_limit, cpictures_png_header *header, char *message);

/// Reads the next row. Returns 1, or 0 and sets the message if the file is damaged or truncated.
int cpictures_png_row(cpictures_png *picture, void *row);

/// Reads the chunks after the pixels. The EXIF data are valid until the reader is closed; NULL if there are none.
///
/// Returns the same values as `cpictures_png_row`.
int cpictures_png_end(cpictures_png *picture, const uint8_t **exif, size_t *exif_count);

void cpictures_png_close(cpictures_png *picture);

/// Encodes 8-bit RGB rows as an sRGB PNG with text.
///
/// `texts` contains `text_count` pairs of a keyword and a UTF-8 text, each zero-terminated. Returns 1 and the file in
/// `*bytes`, which the caller frees, or 0 and sets `message`.
int cpictures_png_write(
    const uint8_t *rgb, uint32_t width, uint32_t height, const char *texts, size_t text_count, uint8_t **bytes,
    size_t *count, char *message);

/// Calls `visit` with each text of a PNG: tEXt and zTXt in Latin-1, iTXt in UTF-8.
///
/// In a damaged file, texts before the damage are visited. Returns 1, or 0 and sets `message`.
int cpictures_png_texts(
    const uint8_t *bytes, size_t count,
    void (*visit)(void *context, const char *key, const char *text, size_t length, int is_utf8), void *context,
    char *message);
