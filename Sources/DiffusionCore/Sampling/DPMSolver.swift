internal import Foundation
public import Tensor

/// DPM-Solver++ (2M): deterministic second-order sampling with one network evaluation per step.
///
/// Lu et al. 2022, "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models", algorithm 2. It
/// equals diffusers' `DPMSolverMultistepScheduler` with its defaults. With σ = √(1−ᾱ) / √ᾱ, λ = −log σ, h and h₋₁ the
/// differences of λ over this step and the previous one, and x₀ and x₀₋₁ the clean latents estimated in these steps:
///
///     D  = (1 + h / 2h₋₁) x₀ − (h / 2h₋₁) x₀₋₁
///     z' = √((1−ᾱ') / (1−ᾱ)) z + √ᾱ' (1 − exp(−h)) D
///
/// The first and the last step are first-order: D = x₀. The last step ends at σ = 0, so its result is x₀. This covers
/// diffusers' rule `lower_order_final` for fewer than 15 steps.
///
/// The estimate of the previous step is the sampler's history, which gradients treat as a constant.
public struct DPMSolver: Sampler {
  /// The noise levels of the training timesteps.
  public let schedule: NoiseSchedule
  /// The timestep of each step, noisiest first.
  public let timesteps: [Int]
  /// The spacing of the timesteps.
  public let spacing: TimestepSpacing

  /// σ at each timestep, and 0 for the end of the last step.
  private let sigmas: [Double]

  /// The clean latent estimated in the previous step, and the index of that step.
  private var previous: (step: Int, clean: Tensor)?

  /// The smallest ᾱ; diffusers uses it for a last timestep without signal, whose λ would be infinite.
  private static let leastAlpha = 0x1p-24

  /// Creates a sampler with `stepCount` steps.
  ///
  /// - Parameters:
  ///   - schedule: The noise levels.
  ///   - stepCount: The number of steps.
  ///   - spacing: Nil for the checkpoint's own, or `linspace` if it states none.
  /// - Throws: `InputError(.outOfRange)` unless there is at least one step and a training timestep for each step.
  public init(_ schedule: NoiseSchedule, stepCount: Int, spacing: TimestepSpacing? = nil) throws {
    let count = schedule.trainingSteps
    let spacing = spacing ?? schedule.spacing ?? .linspace
    guard stepCount >= 1 else {
      throw InputError(.outOfRange, "The number of steps is \(stepCount), but DPM-Solver++ needs at least 1.")
    }
    let timesteps =
      stepCount <= count ? Self.timesteps(stepCount, of: count, spacing, offset: schedule.stepsOffset) : []
    guard !timesteps.isEmpty, zip(timesteps, timesteps.dropFirst()).allSatisfy({ $0 > $1 }) else {
      throw InputError(
        .outOfRange,
        "The number of steps is \(stepCount), but with the spacing \(spacing.rawValue), this model's "
          + "\(count) training timesteps do not give DPM-Solver++ one timestep per step. Use fewer steps.")
    }
    self.schedule = schedule
    self.timesteps = timesteps
    self.spacing = spacing
    sigmas =
      timesteps.map { timestep in
        let alpha = max(Double(schedule.alpha(timestep)), Self.leastAlpha)
        return ((1 - alpha) / alpha).squareRoot()
      } + [0]
  }

  /// Returns the timesteps of diffusers' `set_timesteps`, noisiest first.
  ///
  /// `linspace` and `leading` divide the training timesteps into one more part than there are steps, and omit
  /// timestep 0 (plus the offset).
  private static func timesteps(
    _ stepCount: Int, of count: Int, _ spacing: TimestepSpacing, offset: Int
  ) -> [Int] {
    let last = count - 1
    switch spacing {
    case .linspace:
      let increment = Double(last) / Double(stepCount)
      return (1...stepCount).reversed().map {
        $0 == stepCount ? last : Int((Double($0) * increment).rounded(.toNearestOrEven))
      }
    case .leading:
      let stride = count / (stepCount + 1)
      return (1...stepCount).reversed().map { min($0 * stride + offset, last) }
    case .trailing:
      return TimestepSpacing.trailingTimesteps(stepCount: stepCount, of: count)
    }
  }

  /// Returns the latent after one step toward the sample.
  ///
  /// A step that does not follow the previous one, such as the first step of a partial sampling, is first-order.
  public mutating func denoised(_ latent: Variable, prediction: Variable, step index: Int) -> Variable {
    let (here, there) = (level(index), level(index + 1))
    let estimate = schedule.prediction.cleanEstimate(at: here.signal * here.signal)
    let clean = Variable.combination(
      Float(estimate.latent), latent, Float(estimate.prediction), prediction)
    let extrapolated = extrapolated(clean, step: index)
    previous = (index, clean.value)
    // exp(−h) = σ' / σ.
    let gain = there.signal * (1 - sigmas[index + 1] / sigmas[index])
    return .combination(Float(there.noise / here.noise), latent, Float(gain), extrapolated)
  }

  /// Returns D: the estimates of this step and the previous one, extrapolated linearly in λ to the middle of this
  /// step.
  private func extrapolated(_ clean: Variable, step index: Int) -> Variable {
    guard let previous, previous.step == index - 1, index < stepCount - 1 else { return clean }
    let h = log(sigmas[index] / sigmas[index + 1])
    let previousH = log(sigmas[index - 1] / sigmas[index])
    let share = h / (2 * previousH)
    return .combination(Float(1 + share), clean, Float(-share), Variable(previous.clean))
  }

  /// Returns ᾱ at the start and the end of step `index`.
  public func alphas(ofStep index: Int) -> (start: Double, end: Double) {
    let (start, end) = (level(index).signal, level(index + 1).signal)
    return (start * start, end * end)
  }

  /// Returns √ᾱ and √(1−ᾱ) at the start of step `index`.
  private func level(_ index: Int) -> (signal: Double, noise: Double) {
    let signal = 1 / (1 + sigmas[index] * sigmas[index]).squareRoot()
    return (signal, sigmas[index] * signal)
  }
}
