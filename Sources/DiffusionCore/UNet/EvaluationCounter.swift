internal import Tensor

/// The numbers of network evaluations, counted per sample.
public struct EvaluationCount: Sendable, Equatable, Codable {
  /// The number of forward passes.
  public var forward = 0
  /// The number of backward passes, to the text embedding.
  public var backward = 0
  /// The number of computed stems; several forward passes may share one.
  public var stem = 0

  /// Creates counts; zero by default.
  public init(forward: Int = 0, backward: Int = 0, stem: Int = 0) {
    self.forward = forward
    self.backward = backward
    self.stem = stem
  }

  /// Returns the difference of two counts.
  public static func - (later: EvaluationCount, earlier: EvaluationCount) -> EvaluationCount {
    EvaluationCount(
      forward: later.forward - earlier.forward, backward: later.backward - earlier.backward,
      stem: later.stem - earlier.stem)
  }

  /// Returns the sum of two counts.
  public static func + (a: EvaluationCount, b: EvaluationCount) -> EvaluationCount {
    EvaluationCount(forward: a.forward + b.forward, backward: a.backward + b.backward, stem: a.stem + b.stem)
  }
}

/// A counter of a network's evaluations.
public final class EvaluationCounter: Sendable {
  private let state = Lock(EvaluationCount())

  /// Creates a counter at zero.
  public init() {}

  /// The counts so far.
  public var total: EvaluationCount { state.withLock { $0 } }

  func count(forward: Int = 0, backward: Int = 0, stem: Int = 0) {
    state.withLock { $0 = $0 + EvaluationCount(forward: forward, backward: backward, stem: stem) }
  }
}
