internal import Tensor

/// How many times a network was evaluated, one sample each.
public struct EvaluationCount: Sendable, Equatable, Codable {
  /// Evaluations forwards.
  public var forward = 0
  /// Evaluations backwards, to the text embedding.
  public var backward = 0
  /// Stems computed; several forwards may share one.
  public var stem = 0

  /// A count of nothing yet.
  public init(forward: Int = 0, backward: Int = 0, stem: Int = 0) {
    self.forward = forward
    self.backward = backward
    self.stem = stem
  }

  /// What was evaluated between two counts.
  public static func - (later: EvaluationCount, earlier: EvaluationCount) -> EvaluationCount {
    EvaluationCount(
      forward: later.forward - earlier.forward, backward: later.backward - earlier.backward,
      stem: later.stem - earlier.stem)
  }

  /// Both counts together.
  public static func + (a: EvaluationCount, b: EvaluationCount) -> EvaluationCount {
    EvaluationCount(forward: a.forward + b.forward, backward: a.backward + b.backward, stem: a.stem + b.stem)
  }
}

/// Counts a network's evaluations where they are made.
public final class EvaluationCounter: Sendable {
  private let state = Lock(EvaluationCount())

  /// A counter of nothing yet.
  public init() {}

  /// All evaluations so far.
  public var total: EvaluationCount { state.withLock { $0 } }

  func count(forward: Int = 0, backward: Int = 0, stem: Int = 0) {
    state.withLock { $0 = $0 + EvaluationCount(forward: forward, backward: backward, stem: stem) }
  }
}
