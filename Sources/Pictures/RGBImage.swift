/// A picture: rows of interleaved 8-bit red, green and blue, from the top, without gaps.
///
///     let photo = try RGBImage(contentsOf: url)
///     let (square, crop) = try photo.prepared(width: 512, height: 512)
///     square[0, 0]   // SIMD3<UInt8>(226, 137, 125)
///
/// A picture has at least one pixel. Its numbers are sRGB, to which the colours of a file are converted.
public struct RGBImage: Sendable, Equatable {
  /// The number of columns.
  public let width: Int

  /// The number of rows.
  public let height: Int

  /// The samples: `3 * width * height` of them.
  public package(set) var bytes: [UInt8]

  /// A picture of the given samples: rows from the top, three bytes a pixel.
  ///
  /// - Throws: ``InputError`` `outOfRange` if a side has no pixel or there are more than ``pixelLimit``, `mismatch` unless
  ///   there are `3 * width * height` samples.
  public init(width: Int, height: Int, bytes: [UInt8]) throws(InputError) {
    try InputError.require(
      width > 0 && height > 0 && width <= Self.pixelLimit / height,
      "A picture of \(width) x \(height) pixels cannot be made: both sides must be above zero, and at most "
        + "\(Self.pixelLimit / 1_000_000) million pixels are allowed.")
    guard bytes.count == 3 * width * height else {
      throw InputError(
        .mismatch,
        "\(width) x \(height) pixels have \(3 * width * height) samples of red, green and blue, but \(bytes.count) bytes "
          + "were given.")
    }
    self.init(width: width, height: height, samples: bytes)
  }

  /// A picture of as many samples as it must have.
  package init(width: Int, height: Int, samples: [UInt8]) {
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height) pixels")
    precondition(
      samples.count == 3 * width * height, "\(samples.count) bytes for \(width) x \(height) RGB pixels")
    self.width = width
    self.height = height
    bytes = samples
  }

  /// A picture of one colour.
  public init(width: Int, height: Int, filledWith colour: SIMD3<UInt8> = SIMD3(repeating: 255)) {
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height) pixels")
    self.width = width
    self.height = height
    bytes = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
      count = 3 * width * height
      for i in 0..<width * height {
        target[3 * i] = colour.x
        target[3 * i + 1] = colour.y
        target[3 * i + 2] = colour.z
      }
    }
  }

  /// The colour in column `x` and row `y`.
  public subscript(x: Int, y: Int) -> SIMD3<UInt8> {
    get {
      precondition(contains(x, y), "pixel \(x), \(y) of \(width) x \(height)")
      let i = 3 * (y * width + x)
      return SIMD3(bytes[i], bytes[i + 1], bytes[i + 2])
    }
    set {
      precondition(contains(x, y), "pixel \(x), \(y) of \(width) x \(height)")
      let i = 3 * (y * width + x)
      bytes[i] = newValue.x
      bytes[i + 1] = newValue.y
      bytes[i + 2] = newValue.z
    }
  }

  /// The whole picture as a rectangle.
  public var bounds: PixelRect { PixelRect(x: 0, y: 0, width: width, height: height) }

  private func contains(_ x: Int, _ y: Int) -> Bool { x >= 0 && y >= 0 && x < width && y < height }
}

extension RGBImage: CustomStringConvertible {
  /// The size in one word.
  public var description: String { "RGBImage(\(width)x\(height))" }
}
