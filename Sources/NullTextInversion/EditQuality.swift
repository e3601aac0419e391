/// A trade-off between edit quality and time.
///
/// The presets were chosen from the measurements in `Docs/Methods.md`. None of them is the published null-text
/// method, which is `InversionOptions()`.
public enum EditQuality: String, Sendable, Hashable, Codable, CaseIterable {
  /// InfEdit in 4 steps: 12 evaluations per edit.
  case fast
  /// InfEdit in 8 steps: 24 evaluations per edit.
  case balanced
  /// InfEdit in 12 steps, as published: 36 evaluations per edit.
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
  /// Returns the inversion options for edits of the given quality.
  public static func preset(_ quality: EditQuality) -> InversionOptions {
    var options = PublishedMethod.infEdit.inversion
    options.steps = quality.steps
    return options
  }
}
