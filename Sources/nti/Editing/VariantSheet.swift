internal import EditEvaluation
internal import NullTextInversion

/// Variants of an edit side by side, the best first, with what was measured of each.
struct VariantSheet {
  private let variants: [EditVariant]
  private let original: RGBImage

  init(_ variants: [EditVariant], original: RGBImage) {
    self.variants = variants
    self.original = original
  }

  func rendered() -> RGBImage {
    let cells =
      [ContactSheet.Cell(original, label: "reconstruction")]
      + variants.enumerated().map { index, variant in
        ContactSheet.Cell(variant.edited.image, label: "\(index + 1): \(Self.label(variant))")
      }
    var sheet = ContactSheet(
      rows: stride(from: 0, to: cells.count, by: 4).map { Array(cells[$0..<min($0 + 4, cells.count)]) })
    sheet.title = variants[0].edited.prompt
    return sheet.rendered()
  }

  /// As in "0.61, seed 3" or "0.61, cross 0.4, self 0.2".
  private static func label(_ variant: EditVariant) -> String {
    let score = Format.decimal(variant.score.total, places: 2)
    if let seed = variant.seed { return "\(score), seed \(seed)" }
    guard let words = variant.edited.options.promptToPrompt else { return score }
    return "\(score), cross \(words.crossSteps), self \(words.selfSteps)"
  }
}
