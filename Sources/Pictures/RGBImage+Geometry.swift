extension RGBImage {
  /// The shortest side of a picture that ``prepared(width:height:crop:)`` takes: 16 pixels.
  public static let shortestSide = 16

  /// The part of the picture inside `rect`.
  ///
  /// - Throws: ``InputError`` `outOfRange` if the rectangle is empty or sticks out.
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

  /// The picture at another size by bicubic resampling, equal byte for byte to Pillow's `resize((width, height))`.
  ///
  /// A picture that has the size already is returned as it is.
  public func resized(width: Int, height: Int) -> RGBImage {
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height) pixels")
    return BicubicResampling.resize(self, width: width, height: height)
  }

  /// The picture as a model of `width` x `height` pixels sees it: the central part of that proportion, resized.
  ///
  /// Of a square target and a longer side n, a shorter side m, `(n - m) / 2` pixels are cut at the left or top.
  ///
  /// - Parameter crop: the part of the picture to look at; all of it if nil.
  /// - Returns: the picture, and the part of this one that it shows.
  /// - Throws: ``InputError`` `outOfRange` if a side is under ``shortestSide``, or the crop sticks out.
  public func prepared(
    width: Int, height: Int, crop: PixelRect? = nil
  ) throws -> (image: RGBImage, crop: PixelRect) {
    let part = try usablePart(crop)
    let shown = part.centralPart(ofAspect: width, height)
    return try (cropped(to: shown).resized(width: width, height: height), shown)
  }

  /// The whole picture as a model of `width` x `height` pixels sees it: as large as it can be, in the middle.
  ///
  /// What is left free repeats the nearest pixel of the edge: a bar of one colour would be something that the model sees,
  /// and reproduces, as a part of the picture.
  ///
  /// - Parameter crop: the part of the picture to look at; all of it if nil.
  /// - Throws: ``InputError`` `outOfRange` if a side is under ``shortestSide``, or the crop sticks out.
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
        "The \(crop == nil ? "picture" : "crop") has \(part.width) x \(part.height) pixels; "
          + "at least \(Self.shortestSide) a side are needed.")
    }
    try check(part)
    return part
  }

  private func check(_ rect: PixelRect) throws {
    guard rect.fits(width: width, height: height) else {
      throw InputError(
        .outOfRange,
        "The crop \(rect) (x,y,width,height) does not lie inside the picture of \(width) x \(height) pixels.")
    }
  }
}
