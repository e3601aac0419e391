/// The progress of a long call.
public struct EditorProgress: Sendable, Equatable {
  /// A phase of a call.
  public enum Phase: String, Sendable, Codable {
    /// Reading the networks of a model.
    case loading
    /// Encoding the image.
    case encoding
    /// Computing the pivots, from the image to noise.
    case pivots
    /// Guided sampling, from noise to the image, with the optimization of the null embeddings if the method has one.
    case optimization
    /// Sampling, from noise to the image.
    case sampling
    /// Decoding a latent.
    case decoding

    /// The former name of `optimization`.
    @available(*, deprecated, renamed: "optimization")
    public static var optimisation: Phase { .optimization }
  }

  /// The current phase.
  public var phase: Phase
  /// The number of finished steps of this phase.
  public var step: Int
  /// The total number of steps of this phase.
  public var stepCount: Int
  /// The number of finished inner iterations of the current step; zero in phases without inner iterations.
  public var innerStep = 0
  /// The last measured loss; nil in phases without a loss.
  public var loss: Float?
  /// The time since the beginning of the call.
  public var elapsed: Duration
  /// The finished share of the whole call's duration, from 0 to 1; it never decreases.
  public var fraction = 0.0
  /// The estimated maximum remaining time of the whole call at the measured pace; nil before the first measurement.
  public var remaining: Duration?
  /// The estimated minimum remaining time; less than `remaining` if steps may stop early.
  public var leastRemaining: Duration?
  /// The duration of one evaluation of the network; nil before the first measurement.
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

/// A progress handler, called on the computing thread; it should return quickly.
public typealias ProgressHandler = @Sendable (EditorProgress) -> Void
