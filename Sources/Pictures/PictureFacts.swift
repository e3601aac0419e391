/// The properties of a picture file besides its pixels.
package struct PictureFacts: Sendable, Equatable {
  package let format: PictureFormat
  package let model: ColorModel
  package let hasAlpha: Bool
  /// The bits per sample.
  package let bits: Int
  package let profile: ProfileUse
  package let orientation: ExifOrientation
}

/// A decoded picture in sRGB that is not yet turned upright.
struct DecodedPicture {
  let image: RGBImage
  let facts: PictureFacts

  init(
    _ image: RGBImage, _ format: PictureFormat, _ rows: RowConversion, bits: Int, exif: ArraySlice<UInt8>
  ) {
    self.image = image
    facts = PictureFacts(
      format: format, model: rows.layout.model, hasAlpha: rows.layout.hasAlpha, bits: bits,
      profile: rows.colors.use,
      orientation: ExifOrientation(exif: exif))
  }
}
