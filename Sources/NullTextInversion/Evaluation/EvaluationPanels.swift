internal import DiffusionCore

extension EvaluatedPictures {
  /// What PIE-Bench's own programs write: four panels of one size side by side.
  ///
  /// The first is for words; source, reconstruction and edit follow. PIE-Bench's evaluator looks at the last.
  func panels(_ record: PIEBench.Record) -> RGBImage {
    let pictures = [RGBImage(width: source.width, height: source.height), source, reconstruction, edited]
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * source.bytes.count)
    for y in 0..<source.height {
      for picture in pictures { bytes += picture.bytes[3 * y * picture.width..<3 * (y + 1) * picture.width] }
    }
    return RGBImage(width: 4 * source.width, height: source.height, bytes: bytes)
  }
}
