internal import EditEvaluation
internal import NullTextInversion

/// The contact sheet of the variants of an edit, by descending score.
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

  /// Returns the score and the parameters of a variant, as in "0.61, seed 3" or "0.61, cross 0.4, self 0.2".
  private static func label(_ variant: EditVariant) -> String {
    let score = Format.decimal(variant.score.total, places: 2)
    if let seed = variant.seed { return "\(score), seed \(seed)" }
    guard let words = variant.edited.options.promptToPrompt else { return score }
    return "\(score), cross \(words.crossSteps), self \(words.selfSteps)"
  }
}
