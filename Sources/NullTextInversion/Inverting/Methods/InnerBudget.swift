internal import DiffusionCore

/// Distributes a time budget over the steps, so that inner iterations are spent where they reduce the error most.
///
/// The effect of a null embedding in a step is limited by the factor of the null prediction in the guided step, |c (1
/// − w)|, which decreases from noise to image. Time is distributed in proportion to this factor, and time that a step
/// does not use is available to later steps. The evaluations that every step needs are reserved first.
struct InnerBudget {
  /// The permitted work of a step.
  enum Allowance: Equatable {
    /// At most this number of inner iterations.
    case innerSteps(Int)
    /// Only the one evaluation that a step needs.
    case bareStep
  }

  private let deadline: ContinuousClock.Instant
  private let weights: [Double]
  /// The seconds reserved for decoding the reconstruction.
  private let decoding: Double
  /// The maximum number of inner iterations of each step.
  private let limits: [Int]
  /// The seconds of one forward evaluation and of one inner iteration; nil before the first measurement.
  private var pace: (evaluation: Double, iteration: Double)?

  /// Creates a budget.
  ///
  /// - Parameters:
  ///   - budget: The time of the whole inversion.
  ///   - start: The time at which the inversion began.
  ///   - pace: The measured pace of the networks; nil if no pivots were evaluated.
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
    // Two evaluations per remaining step, and two as a reserve.
    let spare = left - 2 * evaluation * (stepsLeft + 1) - decoding
    guard spare > 0 else { return .bareStep }
    let share = weights[index] / max(weights[index...].reduce(0, +), .leastNormalMagnitude)
    // Twice the proportional share, because other steps need less than theirs.
    return .innerSteps(Int(min(Double(limits[index]), min(spare, 2 * spare * share) / max(iteration, 1e-9))))
  }

  /// Updates the pace with the duration of a step.
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
