/// How far a long call has come.
public struct EditorProgress: Sendable, Equatable, Codable {
  /// What is being done.
  public enum Phase: String, Sendable, Codable {
    /// Following the picture up into noise.
    case pivots
    /// Fitting the null embeddings, from noise back to the picture.
    case optimisation
    /// Walking from noise to picture.
    case sampling
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
  /// Seconds since the call began.
  public var elapsed: Double
  /// Seconds that the rest of the phase will take at the pace so far; nil before there is one.
  public var remaining: Double?
}

/// Receives progress, on the thread that computes: it should return at once.
public typealias ProgressHandler = @Sendable (EditorProgress) -> Void

/// Reports one phase of a long call.
struct ProgressReporter {
  private let phase: EditorProgress.Phase
  private let stepCount: Int
  private let firstStep: Int
  private let callStart: ContinuousClock.Instant
  private let phaseStart = ContinuousClock.now
  private let handler: ProgressHandler?

  /// - Parameter firstStep: the step that the phase begins with, later than zero when it is resumed.
  init(
    _ phase: EditorProgress.Phase, stepCount: Int, firstStep: Int = 0, since start: ContinuousClock.Instant,
    _ handler: ProgressHandler?
  ) {
    self.phase = phase
    self.stepCount = stepCount
    self.firstStep = firstStep
    callStart = start
    self.handler = handler
  }

  func report(step: Int, innerStep: Int = 0, loss: Float? = nil) {
    guard let handler else { return }
    let spent = (ContinuousClock.now - phaseStart) / .seconds(1)
    let made = step - firstStep
    handler(
      EditorProgress(
        phase: phase, step: step, stepCount: stepCount, innerStep: innerStep, loss: loss,
        elapsed: (ContinuousClock.now - callStart) / .seconds(1),
        remaining: made > 0 ? spent / Double(made) * Double(stepCount - step) : nil))
  }
}
