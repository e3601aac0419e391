internal import Foundation
public import Tensor

/// DPM-Solver++ (2M): deterministic sampling of second order, with one evaluation of the network a step.
///
/// Lu et al. 2022, "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models", algorithm 2. It
/// equals diffusers' `DPMSolverMultistepScheduler` with its defaults. With σ = √(1−ᾱ) / √ᾱ, λ = −log σ, h and h₋₁ the
/// differences of λ over this step and the one before, and x₀ and x₀₋₁ the clean latent as both steps estimate it:
///
///     D  = (1 + h / 2h₋₁) x₀ − (h / 2h₋₁) x₀₋₁
///     z' = √((1−ᾱ') / (1−ᾱ)) z + √ᾱ' (1 − exp(−h)) D
///
/// The first step and the last are of first order: D = x₀. The last leads to σ = 0, so its result is x₀ itself; the rule
/// `lower_order_final`, for fewer than 15 steps, asks for nothing else.
///
/// The estimate of the step before is the sampler's history. A gradient sees it as a constant.
public struct DPMSolver: Sampler {
  /// The noise levels of the training.
  public let schedule: NoiseSchedule
  /// The timestep of each step, noisiest first.
  public let timesteps: [Int]
  /// How the timesteps are spread.
  public let spacing: TimestepSpacing

  /// σ at each timestep, and 0 for the end of the last step.
  private let sigmas: [Double]

  /// The clean latent as the step before estimated it, and the index of that step.
  private var previous: (step: Int, clean: Tensor)?

  /// The smallest ᾱ: diffusers' stand-in for a last timestep without signal, whose λ would not be finite.
  private static let leastAlpha = 0x1p-24

  /// Sampling in `stepCount` steps.
  ///
  /// - Parameter spacing: nil for the checkpoint's own, or `linspace` if it does not say.
  /// - Throws: `InputError(.outOfRange)` unless there is at least one step and the training has a timestep for each.
  public init(_ schedule: NoiseSchedule, stepCount: Int, spacing: TimestepSpacing? = nil) throws {
    let count = schedule.trainingSteps
    let spacing = spacing ?? schedule.spacing ?? .linspace
    guard stepCount >= 1 else {
      throw InputError(.outOfRange, "\(stepCount) steps: DPM-Solver++ makes at least 1.")
    }
    let timesteps =
      stepCount <= count ? Self.timesteps(stepCount, of: count, spacing, offset: schedule.stepsOffset) : []
    guard !timesteps.isEmpty, zip(timesteps, timesteps.dropFirst()).allSatisfy({ $0 > $1 }) else {
      throw InputError(
        .outOfRange,
        "\(stepCount) steps: the \(count) timesteps of this model's training, spread as \(spacing.rawValue), do not "
          + "give DPM-Solver++ a timestep for each. Ask for fewer steps.")
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

  /// The timesteps of `set_timesteps` in diffusers, noisiest first.
  ///
  /// `linspace` and `leading` divide the training by one more than the steps, and leave timestep 0 (plus the offset) out.
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

  /// One step from noise to sample.
  ///
  /// A step that does not follow the one before, such as the first of a sampling that starts half-way, is of first order.
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

  /// D: the estimates of this step and the one before, extrapolated linearly in λ to the middle of this step.
  private func extrapolated(_ clean: Variable, step index: Int) -> Variable {
    guard let previous, previous.step == index - 1, index < stepCount - 1 else { return clean }
    let h = log(sigmas[index] / sigmas[index + 1])
    let previousH = log(sigmas[index - 1] / sigmas[index])
    let share = h / (2 * previousH)
    return .combination(Float(1 + share), clean, Float(-share), Variable(previous.clean))
  }

  /// ᾱ where step `index` starts and where it ends.
  public func alphas(ofStep index: Int) -> (start: Double, end: Double) {
    let (start, end) = (level(index).signal, level(index + 1).signal)
    return (start * start, end * end)
  }

  /// √ᾱ and √(1−ᾱ) where step `index` starts.
  private func level(_ index: Int) -> (signal: Double, noise: Double) {
    let signal = 1 / (1 + sigmas[index] * sigmas[index]).squareRoot()
    return (signal, sigmas[index] * signal)
  }
}
