internal import DiffusionCore
internal import Tensor

/// The null embedding of the target's guidance.
///
/// The source trajectory is stored, so the target can use other null embeddings than those that were optimized for
/// the source. The optimized embeddings are close to the caption's; the model was trained for guidance with the
/// embedding of the empty text.
public struct TargetNull: Sendable, Hashable {
  /// The interpolation weight from the inversion's null embedding (0) to the embedding of the empty text (1).
  public var emptyShare: Double
  /// The steps that interpolate; all other steps use the inversion's embedding.
  public var window: StepWindow

  /// Creates an interpolation toward the embedding of the empty text in some steps.
  public init(emptyShare: Double, window: StepWindow = .all) {
    self.emptyShare = emptyShare
    self.window = window
  }

  /// Uses the inversion's embedding in all steps.
  public static let fitted = TargetNull(emptyShare: 0)
  /// Uses the embedding of the empty text in all steps.
  public static let empty = TargetNull(emptyShare: 1)
  /// Uses the inversion's embedding in the first half of the steps and that of the empty text in the second half.
  public static let emptyLate = TargetNull(emptyShare: 1, window: .secondHalf)

  func validate() throws(InputError) {
    try InputError.require(
      (0...1).contains(emptyShare),
      "The share of the empty text's embedding is \(emptyShare), but must be between 0 and 1.")
  }

  /// Returns the embedding of step `index` of `count`, tokens x channels.
  func embedding(fitted: Tensor, empty: Tensor, step index: Int, of count: Int) -> Tensor {
    guard emptyShare > 0, window.steps(of: count).contains(index) else { return fitted }
    return emptyShare == 1 ? empty : .combination(Float(1 - emptyShare), fitted, Float(emptyShare), empty)
  }
}

extension TargetNull: Codable {
  private enum Key: String, CodingKey { case emptyShare, window }

  /// Decodes a share and its window; missing keys have the default values.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self = .empty
    try values.read(.emptyShare, into: &emptyShare)
    try values.read(.window, into: &window)
  }
}
