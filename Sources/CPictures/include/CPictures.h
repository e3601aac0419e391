#pragma once
#include <stddef.h>
#include <stdint.h>

// PNG by libpng's classic interface. It reports errors by longjmp, which must not cross Swift frames; here it never
// leaves C. The simplified interface would not jump, but it converts 16-bit and gAMA pictures to another gamma.

/// Room for one of libpng's messages.
#define CPICTURES_MESSAGE_LENGTH 160

/// Reads a PNG of `width` x `height` pixels (as its header says) to 8-bit RGB rows without gaps.
///
/// Of 16-bit samples the high byte is taken; alpha and transparency are dropped; gamma and colour profile are not
/// looked at. Returns 1, or 0 with a `message` for a picture that is damaged or ends early.
int cpictures_png_read(
    const uint8_t *bytes, size_t count, uint32_t width, uint32_t height, uint8_t *rgb, char *message);

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
