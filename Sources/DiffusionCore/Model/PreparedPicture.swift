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

  /// The part of a picture that a framing asks for, resampled.
  ///
  /// - Throws: `InputError(.outOfRange)` if the part has fewer than 16 pixels a side or sticks out, or the model does not work
  ///   at the size.
  package init(of picture: RGBImage, framing: Framing = .square, sizes: PictureSizes) throws {
    let part = framing.crop ?? picture.bounds
    let size: PixelSize
    switch framing.size {
    case .square: size = sizes.own
    case .auto: size = sizes.automatic(for: PixelSize(width: max(1, part.width), height: max(1, part.height)))
    case .pixels(let asked):
      try sizes.check(asked)
      size = asked
    }
    let (image, crop) =
      framing.fit
      ? (try picture.fitted(width: size.width, height: size.height, crop: framing.crop), part)
      : try picture.prepared(width: size.width, height: size.height, crop: framing.crop)
    self.init(image: image, sourceSize: PixelSize(width: picture.width, height: picture.height), crop: crop)
  }

  /// Width and height of `image`.
  package var size: PixelSize { PixelSize(width: image.width, height: image.height) }

  /// Identifies the picture as the model sees it.
  package var fingerprint: String {
    var fingerprint = Fingerprint()
    fingerprint.add("\(image.width)x\(image.height)")
    fingerprint.add(image.bytes)
    return fingerprint.hexadecimal
  }
}
