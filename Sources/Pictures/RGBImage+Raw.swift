extension RGBImage {
  /// The order of the samples of a pixel in memory.
  public enum PixelFormat: Sendable, Hashable {
    /// Red, green, blue.
    case rgb
    /// Red, green, blue and alpha, not premultiplied.
    case rgba

    /// The number of bytes of one pixel.
    public var bytesPerPixel: Int { self == .rgb ? 3 : 4 }
  }

  /// Creates a picture from raw interleaved red, green and blue.
  ///
  /// - Parameters:
  ///   - rgb: Rows from the top, `bytesPerRow` bytes apart; the last row may end with its last pixel.
  ///   - width: The width in pixels.
  ///   - height: The height in pixels.
  ///   - bytesPerRow: The row stride, at least `3 * width`; nil for exactly that.
  public init(rgb: some Collection<UInt8>, width: Int, height: Int, bytesPerRow: Int? = nil) {
    self.init(raw: rgb, format: .rgb, width: width, height: height, bytesPerRow: bytesPerRow)
  }

  /// Creates a picture from raw interleaved red, green, blue and alpha; alpha is dropped.
  ///
  /// - Parameters:
  ///   - rgba: Rows from the top, `bytesPerRow` bytes apart; the last row may end with its last pixel.
  ///   - width: The width in pixels.
  ///   - height: The height in pixels.
  ///   - bytesPerRow: The row stride, at least `4 * width`; nil for exactly that.
  public init(rgba: some Collection<UInt8>, width: Int, height: Int, bytesPerRow: Int? = nil) {
    self.init(raw: rgba, format: .rgba, width: width, height: height, bytesPerRow: bytesPerRow)
  }

  private init(
    raw: some Collection<UInt8>, format: PixelFormat, width: Int, height: Int, bytesPerRow: Int?
  ) {
    let step = format.bytesPerPixel
    let stride = bytesPerRow ?? step * width
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height) pixels")
    precondition(stride >= step * width, "\(stride) bytes per row for \(width) pixels of \(step) bytes")
    precondition(
      raw.count >= (height - 1) * stride + step * width,
      "\(raw.count) bytes for \(height) rows of \(stride) bytes")
    func packed(_ source: UnsafeBufferPointer<UInt8>) -> [UInt8] {
      [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
        count = 3 * width * height
        var next = 0
        for y in 0..<height {
          for x in 0..<width {
            let i = y * stride + x * step
            target[next] = source[i]
            target[next + 1] = source[i + 1]
            target[next + 2] = source[i + 2]
            next += 3
          }
        }
      }
    }
    let bytes = raw.withContiguousStorageIfAvailable(packed) ?? Array(raw).withUnsafeBufferPointer(packed)
    self.init(width: width, height: height, samples: bytes)
  }

  /// Returns the samples in another layout; alpha is 255, padding between rows is 0.
  ///
  /// - Parameters:
  ///   - format: The samples of each pixel.
  ///   - bytesPerRow: The row stride in bytes, at least `width` pixels; nil for exactly that.
  /// - Returns: `height * bytesPerRow` bytes.
  public func bytes(format: PixelFormat, bytesPerRow: Int? = nil) -> [UInt8] {
    let step = format.bytesPerPixel
    let stride = bytesPerRow ?? step * width
    precondition(stride >= step * width, "\(stride) bytes per row for \(width) pixels of \(step) bytes")
    var result = [UInt8](repeating: 0, count: height * stride)
    for y in 0..<height {
      for x in 0..<width {
        let from = 3 * (y * width + x)
        let to = y * stride + x * step
        for c in 0..<3 { result[to + c] = bytes[from + c] }
        if format == .rgba { result[to + 3] = 255 }
      }
    }
    return result
  }
}
