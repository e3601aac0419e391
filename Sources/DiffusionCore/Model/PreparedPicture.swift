/// A picture brought to the size that a model works at.
public struct PreparedPicture: Sendable {
  /// The picture as the model sees it.
  public let image: RGBImage
  /// The size of the picture that was given.
  public let sourceSize: PixelSize
  /// The part of that picture which `image` shows.
  public let crop: PixelRect

  package init(image: RGBImage, sourceSize: PixelSize, crop: PixelRect) {
    self.image = image
    self.sourceSize = sourceSize
    self.crop = crop
  }

  /// The middle of a picture's longer side, resampled.
  ///
  /// - Throws: `InputError` if the picture has fewer than 16 pixels a side.
  package init(of picture: RGBImage, size: PixelSize) throws {
    let (image, crop) = try picture.prepared(width: size.width, height: size.height)
    self.init(image: image, sourceSize: PixelSize(width: picture.width, height: picture.height), crop: crop)
  }

  /// Identifies the picture as the model sees it.
  package var fingerprint: String {
    var fingerprint = Fingerprint()
    fingerprint.add("\(image.width)x\(image.height)")
    fingerprint.add(image.bytes)
    return fingerprint.hexadecimal
  }
}
