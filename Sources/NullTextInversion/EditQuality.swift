/// How good edits are to be for the time that they take.
///
/// Chosen from the measurements in `Docs/Methods.md`. None of them is the published recipe, which is what `InversionOptions()` means.
public enum EditQuality: String, Sendable, Hashable, Codable, CaseIterable {
  /// InfEdit in 4 steps: 12 evaluations an edit.
  case fast
  /// InfEdit in 8 steps: 24 evaluations an edit.
  case balanced
  /// InfEdit in 12 steps, as published: 36 evaluations an edit.
  case best

  /// The number of sampling steps.
  var steps: Int {
    switch self {
    case .fast: 4
    case .balanced: 8
    case .best: 12
    }
  }
}

extension InversionOptions {
  /// How a photo is inverted for edits of a quality.
  public static func preset(_ quality: EditQuality) -> InversionOptions {
    var options = PublishedMethod.infEdit.inversion
    options.steps = quality.steps
    return options
  }
}
