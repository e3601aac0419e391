internal import DiffusionCore

/// The progress of a long call: measures the pace of the networks and reports finished and remaining work.
///
/// It is created at the beginning of the call and used only on its thread.
final class CallProgress {
  /// The time at which the call began.
  let start = ContinuousClock.now
  private(set) var pace = MeasuredPace()

  private let counter: EvaluationCounter
  private let handler: ProgressHandler?
  private var counted: EvaluationCount
  private var lastReport: ContinuousClock.Instant
  private var fraction = 0.0
  private let budget: Duration?

  /// Creates the progress of a call.
  ///
  /// - Parameters:
  ///   - counter: The counter of the model's evaluations.
  ///   - budget: The time after which optional work is skipped.
  init(_ counter: EvaluationCounter, budget: Duration? = nil, _ handler: ProgressHandler?) {
    self.counter = counter
    self.handler = handler
    counted = counter.total
    self.budget = budget
    lastReport = start
  }

  /// Reports the progress of a phase.
  ///
  /// - Parameter left: The remaining network work of the whole call.
  func report(
    _ phase: EditorProgress.Phase, step: Int, of stepCount: Int, innerStep: Int = 0, loss: Float? = nil,
    left: WorkRange
  ) {
    let now = ContinuousClock.now
    let total = counter.total
    pace.learn(total - counted, in: (now - lastReport) / .seconds(1))
    (counted, lastReport) = (total, now)
    guard let handler else { return }
    var progress = EditorProgress(
      phase: phase, step: step, stepCount: stepCount, innerStep: innerStep, loss: loss, elapsed: now - start)
    if pace.isSure || step == stepCount, let pace = pace.network {
      let least = left.least.seconds(at: pace)
      var most = max(least, left.most.seconds(at: pace))
      if let budget { most = max(least, min(most, (budget - progress.elapsed) / .seconds(1))) }
      let elapsed = progress.elapsed / .seconds(1)
      fraction = max(fraction, elapsed / max(elapsed + (least + most) / 2, .leastNormalMagnitude))
      (progress.remaining, progress.leastRemaining) = (.seconds(most), .seconds(least))
      progress.evaluation = .seconds(pace.stem + pace.trunk)
    }
    progress.fraction = fraction
    handler(progress)
  }

  /// Throws an error if the budget is too short for the measured pace.
  ///
  /// - Parameters:
  ///   - left: The minimum remaining work of the call.
  ///   - steps: The number of sampling steps of the call.
  /// - Throws: `InputError(.outOfRange)` with the required time.
  func checkBudget(left: NetworkWork, steps: Int) throws(InputError) {
    guard let budget, let pace = pace.network else { return }
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    let (allowed, needed) = (budget / .seconds(1), elapsed + left.seconds(at: pace))
    guard needed > allowed else { return }
    let fixed = Double(left.decodings) * pace.decoding + (self.pace.encoding ?? 0) + (self.pace.decoding ?? 0)
    let fitting = Int(max(0, allowed - fixed) / max(needed - fixed, .leastNormalMagnitude) * Double(steps))
    func text(_ seconds: Double) -> String {
      seconds < 10 ? "\((seconds * 10).rounded(.up) / 10)" : "\(Int(seconds.rounded(.up)))"
    }
    let advice =
      fitting > 0 ? "Increase the budget, or use at most \(fitting) steps." : "Increase the budget."
    throw InputError(
      .outOfRange,
      "A budget of \(text(allowed)) s is too short: at \(text(pace.stem + pace.trunk)) s per evaluation, \(steps) steps "
        + "take at least \(text(needed)) s. \(advice)")
  }

  /// Runs the encoding or decoding of an image, with reports before and after.
  ///
  /// - Parameter left: The remaining network work of the call after it.
  func autoencoder<Result>(
    _ phase: EditorProgress.Phase, left: WorkRange, _ body: () throws -> Result
  ) rethrows -> Result {
    let work = phase == .encoding ? NetworkWork(encodings: 1) : NetworkWork(decodings: 1)
    report(phase, step: 0, of: 1, left: left + WorkRange(work))
    let begin = ContinuousClock.now
    let result = try body()
    let seconds = (ContinuousClock.now - begin) / .seconds(1)
    if phase == .encoding { pace.encoding = seconds } else { pace.decoding = seconds }
    lastReport = .now
    report(phase, step: 1, of: 1, left: left)
    return result
  }
}
