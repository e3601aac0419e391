internal import Tensor

/// A feature map whose rows are computed in bands on demand.
struct BandedMap {
  let height: Int
  let width: Int

  /// The number of rows per band; the last band may have fewer.
  let bandHeight: Int

  /// Computes a range of rows: rows x width x channels.
  let rows: (Range<Int>) throws -> Tensor

  /// The rows of each band.
  var bands: [Range<Int>] {
    stride(from: 0, to: height, by: bandHeight).map { $0..<min(height, $0 + bandHeight) }
  }

  /// Returns a band with the neighboring rows that a 3x3 convolution reads.
  func widened(_ band: Range<Int>) -> Range<Int> {
    max(0, band.lowerBound - 1)..<min(height, band.upperBound + 1)
  }

  /// Creates the convolution of a map that is upsampled by two first.
  ///
  /// - Parameters:
  ///   - convolution: 3x3, with a stride of 1 and a padding of 1.
  ///   - x: Height x width x channels.
  ///   - bandByteCount: The approximate size of a band of the result, in bytes.
  init(_ convolution: Convolution, doubling x: Tensor, bandByteCount: Int) {
    let (height, width, _) = x.shape3
    self.height = 2 * height
    self.width = 2 * width
    bandHeight = max(2, bandByteCount / (2 * width * convolution.outputChannels * MemoryLayout<Float>.size))
    rows = { rows in
      try Task.checkCancellation()
      // The rows of x that are copied to the band and to its neighboring rows.
      let source = max(0, rows.lowerBound - 1) / 2..<min(height, rows.upperBound / 2 + 1)
      let part = convolution(
        upsampling: Variable(x[source]), toHeight: 2 * source.count, width: 2 * width
      ).value
      // The first and last rows of the part are correct only at the edges of the map, so cut them off elsewhere.
      return part[rows.lowerBound - 2 * source.lowerBound..<rows.upperBound - 2 * source.lowerBound]
    }
  }
}
