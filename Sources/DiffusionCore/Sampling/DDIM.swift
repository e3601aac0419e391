/// Deterministic sampling in both directions.
///
/// Song et al. 2021, "Denoising diffusion implicit models", equation 12 with σ = 0. Timesteps and noise levels are
/// those of diffusers' `DDIMScheduler`: with T steps of N training timesteps, step i is at (T − 1 − i) · ⌊N / T⌋ +
/// offset for spacing `leading`, and at round(N − i · N / T) − 1 for spacing `trailing`; each step goes down ⌊N / T⌋
/// timesteps.
public struct DDIM: InvertibleSampler, Equatable {
  /// The noise levels of the training timesteps.
  public let schedule: NoiseSchedule
  /// The timestep of each step, noisiest first.
  public let timesteps: [Int]
  /// The spacing of the timesteps: `leading` or `trailing`.
  public let spacing: TimestepSpacing
  /// The number of timesteps that a step goes down.
  public let stride: Int

  /// Creates a sampler with `stepCount` steps.
  ///
  /// - Parameters:
  ///   - schedule: The noise levels.
  ///   - stepCount: The number of steps.
  ///   - spacing: Nil for the checkpoint's own; `linspace` is treated as `leading`, as in the published method.
  /// - Throws: `InputError(.outOfRange)` unless there is at least one step and a training timestep for each step.
  public init(_ schedule: NoiseSchedule, stepCount: Int, spacing: TimestepSpacing? = nil) throws {
    let count = schedule.trainingSteps
    guard stepCount >= 1, stepCount <= count else {
      throw InputError(
        .outOfRange,
        "The number of steps is \(stepCount), but must be between 1 and \(count) with this model.")
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
        "The number of steps is \(stepCount), but timesteps that start at \(schedule.stepsOffset) exceed the \(count) "
          + "training timesteps of this model. Use fewer steps.")
    }
  }

  /// Returns ᾱ at the timestep of step `index`, and at the level `stride` timesteps below.
  public func alphas(ofStep index: Int) -> (start: Double, end: Double) {
    (Double(schedule.alpha(timesteps[index])), Double(schedule.alpha(timesteps[index] - stride)))
  }

  /// Returns the coefficients of step `index` toward the sample: from its timestep to the level `stride` below.
  public func downward(step index: Int) -> StepCoefficients {
    coefficients(from: timesteps[index], to: timesteps[index] - stride)
  }

  /// Returns the coefficients of step `index` toward noise: from the level `stride` below its timestep to its
  /// timestep.
  public func upward(step index: Int) -> StepCoefficients {
    coefficients(from: timesteps[index] - stride, to: timesteps[index])
  }

  /// Returns the factors a and b of z' = a z + b y, for the network's output y, between two timesteps.
  ///
  /// For ε: x₀ = (z − √(1−ᾱ) ε) / √ᾱ and z' = √ᾱ' x₀ + √(1−ᾱ') ε. For v: x₀ = √ᾱ z − √(1−ᾱ) v and ε = √ᾱ v + √(1−ᾱ) z
  /// at the level of z.
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
