/// How far a long call has come.
public struct EditorProgress: Sendable, Equatable {
  /// What is being done.
  public enum Phase: String, Sendable, Codable {
    /// Reading the networks of a model.
    case loading
    /// Encoding the picture.
    case encoding
    /// Following the picture up into noise.
    case pivots
    /// Fitting the null embeddings, from noise back to the picture.
    case optimisation
    /// Walking from noise to picture.
    case sampling
    /// Decoding a picture.
    case decoding
  }

  /// What is being done.
  public var phase: Phase
  /// Steps of this phase that are done.
  public var step: Int
  /// Steps that this phase has.
  public var stepCount: Int
  /// Inner iterations made in the step under way; zero where a phase has none.
  public var innerStep = 0
  /// The last measured loss, where there is one.
  public var loss: Float?
  /// The time since the call began.
  public var elapsed: Duration
  /// The part of the whole call that is done, by the time that it takes: from 0 to 1, and never less than before.
  public var fraction = 0.0
  /// The most time that the rest of the whole call will take, at the pace of its evaluations so far; nil before there is a
  /// pace.
  public var remaining: Duration?
  /// The least that it will take: less than `remaining` where steps may end early.
  public var leastRemaining: Duration?
  /// How long an evaluation of the network takes; nil before that is known.
  public var evaluation: Duration?

  package init(
    phase: Phase, step: Int, stepCount: Int, innerStep: Int = 0, loss: Float? = nil, elapsed: Duration,
    fraction: Double = 0
  ) {
    self.phase = phase
    self.step = step
    self.stepCount = stepCount
    self.innerStep = innerStep
    self.loss = loss
    self.elapsed = elapsed
    self.fraction = fraction
  }
}

/// Receives progress, on the thread that computes: it should return at once.
public typealias ProgressHandler = @Sendable (EditorProgress) -> Void
