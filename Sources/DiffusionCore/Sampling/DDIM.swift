/// Deterministic sampling in both directions.
///
/// Song et al. 2021, "Denoising diffusion implicit models", equation 12 with σ = 0. Timesteps and levels are those of
/// diffusers' `DDIMScheduler`: with T steps of N training timesteps, step i of spacing `leading` is at
/// (T − 1 − i) · ⌊N / T⌋ + offset, of spacing `trailing` at round(N − i · N / T) − 1; a step leads ⌊N / T⌋ timesteps down.
public struct DDIM: InvertibleSampler, Equatable {
  /// The noise levels of the training.
  public let schedule: NoiseSchedule
  /// The timestep of each step, noisiest first.
  public let timesteps: [Int]
  /// How the timesteps are spread: `leading` or `trailing`.
  public let spacing: TimestepSpacing
  /// The number of timesteps that a step leads down.
  public let stride: Int

  /// Sampling in `stepCount` steps.
  ///
  /// - Parameter spacing: nil for the checkpoint's own; `linspace` counts as `leading`, as the published method has it.
  /// - Throws: `InputError(.outOfRange)` unless there is at least one step and the training has a timestep for each.
  public init(_ schedule: NoiseSchedule, stepCount: Int, spacing: TimestepSpacing? = nil) throws {
    let count = schedule.trainingSteps
    guard stepCount >= 1, stepCount <= count else {
      throw InputError(
        .outOfRange, "\(stepCount) steps: between 1 and \(count) can be made with this model.")
    }
    self.schedule = schedule
    self.spacing = (spacing ?? schedule.spacing) == .trailing ? .trailing : .leading
    let stride = count / stepCount
    self.stride = stride
    timesteps =
      switch self.spacing {
      case .trailing:
        TimestepSpacing.trailingTimesteps(stepCount: stepCount, of: count)
      case .leading, .linspace:
        (0..<stepCount).reversed().map { min($0 * stride + schedule.stepsOffset, count - 1) }
      }
    guard stepCount == 1 || timesteps[0] > timesteps[1] else {
      throw InputError(
        .outOfRange,
        "\(stepCount) steps: timesteps that begin at \(schedule.stepsOffset) go beyond the \(count) of this model's training. "
          + "Ask for fewer steps.")
    }
  }

  /// ᾱ at the timestep of step `index`, and at the level `stride` below.
  public func alphas(ofStep index: Int) -> (start: Double, end: Double) {
    (Double(schedule.alpha(timesteps[index])), Double(schedule.alpha(timesteps[index] - stride)))
  }

  /// The step `index` from noise to sample: from its timestep to the level `stride` below.
  public func downward(step index: Int) -> StepCoefficients {
    coefficients(from: timesteps[index], to: timesteps[index] - stride)
  }

  /// The step `index` from sample to noise: from the level `stride` below its timestep up to it.
  public func upward(step index: Int) -> StepCoefficients {
    coefficients(from: timesteps[index] - stride, to: timesteps[index])
  }

  /// The numbers a and b of z' = a z + b y, for the network's output y, between two noise levels.
  ///
  /// With ε: x₀ = (z − √(1−ᾱ) ε) / √ᾱ and z' = √ᾱ' x₀ + √(1−ᾱ') ε. With v: x₀ = √ᾱ z − √(1−ᾱ) v and
  /// ε = √ᾱ v + √(1−ᾱ) z at the level of z.
  public func coefficients(from: Int, to: Int) -> StepCoefficients {
    let (a, b) = (Double(schedule.alpha(from)), Double(schedule.alpha(to)))
    let (signal, noise) = (a.squareRoot(), (1 - a).squareRoot())
    let (nextSignal, nextNoise) = (b.squareRoot(), (1 - b).squareRoot())
    return switch schedule.prediction {
    case .epsilon:
      StepCoefficients(latent: nextSignal / signal, prediction: nextNoise - nextSignal * noise / signal)
    case .velocity:
      StepCoefficients(
        latent: nextSignal * signal + nextNoise * noise, prediction: nextNoise * signal - nextSignal * noise)
    }
  }
}
