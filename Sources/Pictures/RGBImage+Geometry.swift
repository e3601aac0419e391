extension RGBImage {
  /// The minimum side length for ``prepared(width:height:crop:)``: 16 pixels.
  public static let shortestSide = 16

  /// Returns the part of the picture inside `rect`.
  ///
  /// - Throws: `InputError` `outOfRange` if the rectangle is empty or extends outside the picture.
  public func cropped(to rect: PixelRect) throws -> RGBImage {
    try check(rect)
    guard rect != bounds else { return self }
    var part: [UInt8] = []
    part.reserveCapacity(3 * rect.width * rect.height)
    for y in rect.y..<rect.y + rect.height {
      let start = 3 * (y * width + rect.x)
      part += bytes[start..<start + 3 * rect.width]
    }
    return RGBImage(width: rect.width, height: rect.height, samples: part)
  }

  /// Returns the picture resized by bicubic resampling, byte for byte equal to Pillow's `resize((width, height))`.
  ///
  /// If the size does not change, the picture is returned unchanged.
  public func resized(width: Int, height: Int) -> RGBImage {
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height) pixels")
    return BicubicResampling.resize(self, width: width, height: height)
  }

  /// Returns the central part with the aspect ratio `width` : `height`, resized to `width` × `height` pixels.
  ///
  /// If the target is square and the sides of the picture are n > m, `(n - m) / 2` pixels are cropped at the left or
  /// top.
  ///
  /// - Parameters:
  ///   - width: The width in pixels that the model requires.
  ///   - height: The height in pixels that the model requires.
  ///   - crop: The part of the picture to use; nil for the whole picture.
  /// - Returns: The resized picture, and the part of this picture that it shows.
  /// - Throws: `InputError` `outOfRange` if a side is shorter than ``shortestSide``, or the crop extends outside the
  ///   picture.
  public func prepared(
    width: Int, height: Int, crop: PixelRect? = nil
  ) throws -> (image: RGBImage, crop: PixelRect) {
    let part = try usablePart(crop)
    let shown = part.centralPart(ofAspect: width, height)
    return try (cropped(to: shown).resized(width: width, height: height), shown)
  }

  /// Returns the whole picture, as large as possible and centered in `width` × `height` pixels.
  ///
  /// The margins repeat the nearest edge pixel, because a model would treat bars of one color as a part of the picture
  /// and reproduce them.
  ///
  /// - Parameters:
  ///   - width: The width in pixels that the model requires.
  ///   - height: The height in pixels that the model requires.
  ///   - crop: The part of the picture to use; nil for the whole picture.
  /// - Throws: `InputError` `outOfRange` if a side is shorter than ``shortestSide``, or the crop extends outside the
  ///   picture.
  public func fitted(width: Int, height: Int, crop: PixelRect? = nil) throws -> RGBImage {
    let part = try usablePart(crop)
    let area = PixelRect.fitting(part, inWidth: width, height: height)
    let inner = try cropped(to: part).resized(width: area.width, height: area.height)
    guard area.width < width || area.height < height else { return inner }
    var samples: [UInt8] = []
    samples.reserveCapacity(3 * width * height)
    for y in 0..<height {
      let row = 3 * area.width * min(max(y - area.y, 0), area.height - 1)
      for x in 0..<width {
        let i = row + 3 * min(max(x - area.x, 0), area.width - 1)
        samples += inner.bytes[i..<i + 3]
      }
    }
    return RGBImage(width: width, height: height, samples: samples)
  }

  private func usablePart(_ crop: PixelRect?) throws -> PixelRect {
    let part = crop ?? bounds
    guard part.width >= Self.shortestSide, part.height >= Self.shortestSide else {
      throw InputError(
        .outOfRange,
        "The \(crop == nil ? "picture" : "crop") has \(part.width) x \(part.height) pixels. "
          + "At least \(Self.shortestSide) pixels per side are required.")
    }
    try check(part)
    return part
  }

  private func check(_ rect: PixelRect) throws {
    guard rect.fits(width: width, height: height) else {
      throw InputError(
        .outOfRange,
        "The crop \(rect) (x,y,width,height) is not inside the picture of \(width) x \(height) pixels.")
    }
  }
}
