internal import DiffusionCore

extension EvaluatedPictures {
  /// Returns a picture in the layout of PIE-Bench's programs: four panels of equal size side by side.
  ///
  /// The panels are the prompts, the source, the reconstruction and the edit. PIE-Bench's evaluator reads the last.
  func panels(_ record: PIEBench.Record) -> RGBImage {
    let pictures = [words(record), source, reconstruction, edited]
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * source.bytes.count)
    for y in 0..<source.height {
      for picture in pictures { bytes += picture.bytes[3 * y * picture.width..<3 * (y + 1) * picture.width] }
    }
    return RGBImage(width: 4 * source.width, height: source.height, samples: bytes)
  }

  /// Returns a panel with the two prompts on white; lines that do not fit are left out.
  private func words(_ record: PIEBench.Record) -> RGBImage {
    var panel = RGBImage(width: source.width, height: source.height)
    let scale = max(1, source.width / 256)
    let (advance, lineHeight) = (BitmapFont.advance * scale, BitmapFont.lineHeight * scale)
    let text = "source: \(record.originalPrompt)\n\ntarget: \(record.editingPrompt)"
    let lines = BitmapFont.lines(of: text, columns: max(1, panel.width / advance - 1))
    for (index, line) in lines.prefix(panel.height / lineHeight).enumerated() {
      panel.draw(
        line, x: advance / 2, y: index * lineHeight + scale, scale: scale, color: SIMD3(28, 28, 32))
    }
    return panel
  }
}
