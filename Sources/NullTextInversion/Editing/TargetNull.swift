internal import DiffusionCore
internal import Tensor

/// Which null embedding the new prompt is guided away from.
///
/// The source's path is stored, so the target need not take the embeddings that were fitted to it. Those lean towards the
/// caption; the empty text's is what guidance was trained with.
public struct TargetNull: Sendable, Hashable {
  /// How far to go from the inversion's embedding to the empty text's: 0 for the inversion's, 1 for the empty text's.
  public var emptyShare: Double
  /// The steps in which to go there; in others it is the inversion's.
  public var window: StepWindow

  /// A way towards the empty text's embedding in some steps.
  public init(emptyShare: Double, window: StepWindow = .all) {
    self.emptyShare = emptyShare
    self.window = window
  }

  /// The inversion's embedding in all steps.
  public static let fitted = TargetNull(emptyShare: 0)
  /// The empty text's in all steps.
  public static let empty = TargetNull(emptyShare: 1)
  /// The inversion's in the first half of the steps, the empty text's in the second.
  public static let emptyLate = TargetNull(emptyShare: 1, window: .secondHalf)

  func validate() throws(InputError) {
    try InputError.require(
      (0...1).contains(emptyShare), "a share of the empty text's embedding of \(emptyShare): ask for 0 to 1.")
  }

  /// The embedding of step `index` of `count`, tokens x channels.
  func embedding(fitted: Tensor, empty: Tensor, step index: Int, of count: Int) -> Tensor {
    guard emptyShare > 0, window.steps(of: count).contains(index) else { return fitted }
    return emptyShare == 1 ? empty : .combination(Float(1 - emptyShare), fitted, Float(emptyShare), empty)
  }
}

extension TargetNull: Codable {
  private enum Key: String, CodingKey { case emptyShare, window }

  /// Reads a share and its window; what is absent has its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self = .empty
    try values.read(.emptyShare, into: &emptyShare)
    try values.read(.window, into: &window)
  }
}
