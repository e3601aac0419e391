extension RGBImage {
  /// Fills a rectangle, clipped to the picture.
  mutating func fill(_ rect: PixelRect, with color: SIMD3<UInt8>) {
    for y in max(0, rect.y)..<max(0, rect.y, min(height, rect.y + rect.height)) {
      for x in max(0, rect.x)..<max(0, rect.x, min(width, rect.x + rect.width)) { self[x, y] = color }
    }
  }

  /// Copies `picture` with its top left corner to `x`, `y`, clipped to this picture.
  mutating func draw(_ picture: RGBImage, x: Int, y: Int) {
    let columns = max(0, -x)..<max(0, -x, min(picture.width, width - x))
    let rows = max(0, -y)..<max(0, -y, min(picture.height, height - y))
    for row in rows {
      let from = 3 * (row * picture.width + columns.lowerBound)
      let to = 3 * ((y + row) * width + x + columns.lowerBound)
      bytes.replaceSubrange(
        to..<to + 3 * columns.count, with: picture.bytes[from..<from + 3 * columns.count])
    }
  }

  /// Draws one line of text with its top left corner at `x`, `y`, with `scale` pixels per dot of the font.
  package mutating func draw(_ text: String, x: Int, y: Int, scale: Int, color: SIMD3<UInt8>) {
    for (i, character) in text.enumerated() {
      for (row, dots) in BitmapFont.rows(of: character).enumerated() {
        for column in 0..<BitmapFont.width where dots >> (BitmapFont.width - 1 - column) & 1 == 1 {
          let left = x + (i * BitmapFont.advance + column) * scale
          fill(PixelRect(x: left, y: y + row * scale, width: scale, height: scale), with: color)
        }
      }
    }
  }

  /// Returns the picture with each pixel enlarged to a square of `factor` x `factor` pixels.
  ///
  /// - Parameter factor: The factor, above 0.
  public func enlarged(by factor: Int) -> RGBImage {
    precondition(factor > 0, "a picture enlarged by \(factor)")
    guard factor > 1 else { return self }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count * factor * factor)
    for y in 0..<height {
      let start = result.count
      for x in 0..<width {
        let i = 3 * (y * width + x)
        for _ in 0..<factor { result += bytes[i..<i + 3] }
      }
      let row = result[start...]
      for _ in 1..<factor { result += row }
    }
    return RGBImage(width: width * factor, height: height * factor, samples: result)
  }
}
