/// How far a long call has come.
public struct EditorProgress: Sendable, Equatable {
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
  /// The time since the call began.
  public var elapsed: Duration
  /// The time that the rest of the phase will take at the pace so far; nil before there is one.
  public var remaining: Duration?
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
    let now = ContinuousClock.now
    let made = step - firstStep
    handler(
      EditorProgress(
        phase: phase, step: step, stepCount: stepCount, innerStep: innerStep, loss: loss,
        elapsed: now - callStart,
        remaining: made > 0 ? (now - phaseStart) / Double(made) * Double(stepCount - step) : nil))
  }
}

/// What a long call sends while it runs, and in the end its result.
public enum EditorUpdate<Result: Sendable>: Sendable {
  /// How far the call has come.
  case progress(EditorProgress)
  /// The call's result; nothing follows.
  case finished(Result)
}

/// The updates of a long call.
///
/// Leaving the loop over them cancels the call.
public typealias EditorUpdates<Result: Sendable> = AsyncThrowingStream<EditorUpdate<Result>, any Error>

extension AsyncThrowingStream where Element: Sendable, Failure == any Error {
  /// What `work` sends while it runs, in a task of its own; whoever leaves the loop over the stream cancels it.
  package init(
    sending work: @escaping @Sendable (_ send: @escaping @Sendable (Element) -> Void) async throws -> Void
  ) {
    self.init { continuation in
      let task = Task {
        do {
          try await work { continuation.yield($0) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  /// The updates of a long call that reports its progress to a handler.
  init<Result: Sendable>(
    of call: @escaping @Sendable (@escaping ProgressHandler) async throws -> Result
  ) where Element == EditorUpdate<Result> {
    self.init(sending: { send in send(.finished(try await call { send(.progress($0)) })) })
  }
}
