/// A picture: rows of interleaved 8-bit red, green and blue samples, from the top, without padding.
///
/// ```swift
/// let photo = try RGBImage(contentsOf: url)
/// let (square, crop) = try photo.prepared(width: 512, height: 512)
/// let corner = square[0, 0]  // SIMD3<UInt8>
/// ```
///
/// A picture has at least one pixel. Its samples are sRGB; the colors of a file are converted to sRGB.
public struct RGBImage: Sendable, Equatable {
  /// The number of columns.
  public let width: Int

  /// The number of rows.
  public let height: Int

  /// The `3 * width * height` samples.
  public package(set) var bytes: [UInt8]

  /// Creates a picture from samples: rows from the top, three bytes per pixel.
  ///
  /// - Throws: `InputError` `outOfRange` if a side has no pixels or there are more than ``pixelLimit``, `mismatch` if
  ///   the number of samples is not `3 * width * height`.
  public init(width: Int, height: Int, bytes: [UInt8]) throws(InputError) {
    try InputError.require(
      width > 0 && height > 0 && width <= Self.pixelLimit / height,
      "A picture of \(width) x \(height) pixels cannot be created: both sides must be positive, and at most "
        + "\(Self.pixelLimit / 1_000_000) million pixels are allowed.")
    guard bytes.count == 3 * width * height else {
      throw InputError(
        .mismatch,
        "\(width) x \(height) pixels have \(3 * width * height) samples of red, green and blue, but \(bytes.count) bytes "
          + "were given.")
    }
    self.init(width: width, height: height, samples: bytes)
  }

  /// Creates a picture; the number of samples must be `3 * width * height`.
  package init(width: Int, height: Int, samples: [UInt8]) {
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height) pixels")
    precondition(
      samples.count == 3 * width * height, "\(samples.count) bytes for \(width) x \(height) RGB pixels")
    self.width = width
    self.height = height
    bytes = samples
  }

  /// Creates a picture of one color.
  public init(width: Int, height: Int, filledWith color: SIMD3<UInt8> = SIMD3(repeating: 255)) {
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height) pixels")
    self.width = width
    self.height = height
    bytes = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
      count = 3 * width * height
      for i in 0..<width * height {
        target[3 * i] = color.x
        target[3 * i + 1] = color.y
        target[3 * i + 2] = color.z
      }
    }
  }

  /// The color at column `x` and row `y`.
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
  /// The size in a short form.
  public var description: String { "RGBImage(\(width)x\(height))" }
}
