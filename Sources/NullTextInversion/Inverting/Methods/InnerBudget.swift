internal import DiffusionCore

/// Spends a given time on the inner iterations that lower the error most.
///
/// What a null embedding can do in a step is bounded by the factor of the null prediction in the guided step,
/// |c (1 − w)|, which falls from noise to picture; time is shared out in proportion to it, and what a step leaves over is
/// there for those after it. The evaluations that every step must make are set aside first.
struct InnerBudget {
  /// What a step may do.
  enum Allowance: Equatable {
    /// Up to so many inner iterations.
    case innerSteps(Int)
    /// Nothing but the one evaluation that a step cannot do without.
    case bareStep
  }

  private let deadline: ContinuousClock.Instant
  private let weights: [Double]
  /// Seconds set aside for the picture at the end.
  private let decoding: Double
  /// The most inner iterations of each step.
  private let limits: [Int]
  /// Seconds of one evaluation forwards, and of one inner iteration; nil before there has been any.
  private var pace: (evaluation: Double, iteration: Double)?

  /// - Parameters:
  ///   - budget: the time of the whole inversion.
  ///   - start: when the inversion began.
  ///   - pace: that of the networks until now; nil if the pivots needed none, or were there already.
  init(
    _ budget: Duration, of settings: NullText, start: ContinuousClock.Instant, pace: NetworkPace?,
    sampler: any InvertibleSampler, guidance: Double
  ) {
    deadline = start + budget * 0.97
    let steps = 0..<sampler.stepCount
    limits = steps.map { settings.innerSteps(at: $0, of: steps.count) }
    weights = steps.map { abs(sampler.nullFactor(step: $0, guidance: guidance)) }
    decoding = pace?.decoding ?? 0
    if let pace { setPace(evaluation: pace.stem + pace.trunk) }
  }

  private mutating func setPace(evaluation: Double) {
    let evaluation = max(evaluation, 1e-6)
    pace = (evaluation, NetworkPace.iterationsPerEvaluation * evaluation)
  }

  func allowance(for index: Int, now: ContinuousClock.Instant = .now) -> Allowance {
    let left = (deadline - now) / .seconds(1)
    guard let (evaluation, iteration) = pace else {
      return left > 0 ? .innerSteps(min(limits[index], 1)) : .bareStep
    }
    let stepsLeft = Double(weights.count - index)
    // Two evaluations a step, and two for what is not foreseen.
    let spare = left - 2 * evaluation * (stepsLeft + 1) - decoding
    guard spare > 0 else { return .bareStep }
    let share = weights[index] / max(weights[index...].reduce(0, +), .leastNormalMagnitude)
    // Twice the fair share: steps that need less leave it to the others.
    return .innerSteps(Int(min(Double(limits[index]), min(spare, 2 * spare * share) / max(iteration, 1e-9))))
  }

  /// Takes note of how long a step took.
  mutating func learn(_ duration: Duration, innerSteps: Int) {
    let seconds = duration / .seconds(1)
    guard var (evaluation, iteration) = pace else {
      return setPace(evaluation: seconds / (2 + NetworkPace.iterationsPerEvaluation * Double(innerSteps)))
    }
    if innerSteps == 0 {
      evaluation += 0.3 * (seconds / 2 - evaluation)
    } else {
      iteration += 0.3 * (max(0, seconds - 2 * evaluation) / Double(innerSteps) - iteration)
    }
    pace = (evaluation, iteration)
  }
}
