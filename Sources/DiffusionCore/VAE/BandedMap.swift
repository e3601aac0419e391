internal import Tensor

/// A feature map whose rows are formed when they are asked for, some at a time.
struct BandedMap {
  let height: Int
  let width: Int

  /// The number of rows of a band; the last may have fewer.
  let bandHeight: Int

  /// Forms some rows: rows x width x channels.
  let rows: (Range<Int>) throws -> Tensor

  /// The rows of each band.
  var bands: [Range<Int>] {
    stride(from: 0, to: height, by: bandHeight).map { $0..<min(height, $0 + bandHeight) }
  }

  /// A band and the rows beside it that a 3x3 convolution reads.
  func widened(_ band: Range<Int>) -> Range<Int> {
    max(0, band.lowerBound - 1)..<min(height, band.upperBound + 1)
  }

  /// The convolution of a map whose sides are doubled first.
  ///
  /// - Parameters:
  ///   - convolution: 3x3, of stride 1 and padding 1.
  ///   - x: height x width x channels.
  ///   - bandByteCount: about how many bytes a band of the result has.
  init(_ convolution: Convolution, doubling x: Tensor, bandByteCount: Int) {
    let (height, width, _) = x.shape3
    self.height = 2 * height
    self.width = 2 * width
    bandHeight = max(2, bandByteCount / (2 * width * convolution.outputChannels * MemoryLayout<Float>.size))
    rows = { rows in
      try Task.checkCancellation()
      // Rows of x whose copies are read: those of the band, and of the rows beside it.
      let source = max(0, rows.lowerBound - 1) / 2..<min(height, rows.upperBound / 2 + 1)
      let part = convolution(
        upsampling: Variable(x[source]), toHeight: 2 * source.count, width: 2 * width
      ).value
      // The outermost rows of the part are right only where the map ends.
      return part[rows.lowerBound - 2 * source.lowerBound..<rows.upperBound - 2 * source.lowerBound]
    }
  }
}
