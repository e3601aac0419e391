/// A picture cropped and resized to a size that a model supports.
public struct PreparedPicture: Sendable {
  /// The picture for the model.
  public let image: RGBImage
  /// The size of the original picture.
  public let sourceSize: PixelSize
  /// The part of the original picture that `image` shows.
  public let crop: PixelRect

  package init(image: RGBImage, sourceSize: PixelSize, crop: PixelRect) {
    self.image = image
    self.sourceSize = sourceSize
    self.crop = crop
  }

  /// Crops and resizes a picture.
  ///
  /// - Throws: `InputError(.outOfRange)` if the crop has fewer than 16 pixels per side or exceeds the picture, or if
  ///   the model does not support the size.
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

  /// The width and height of `image`.
  package var size: PixelSize { PixelSize(width: image.width, height: image.height) }

  /// The fingerprint of `image`.
  package var fingerprint: String {
    var fingerprint = Fingerprint()
    fingerprint.add("\(image.width)x\(image.height)")
    fingerprint.add(image.bytes)
    return fingerprint.hexadecimal
  }
}
