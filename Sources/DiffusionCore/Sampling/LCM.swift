internal import Foundation
public import Tensor

/// Latent consistency sampling: a few steps, with new noise after each step but the last.
///
/// For networks distilled into consistency models. Luo et al. 2023, "Latent consistency models: synthesizing
/// high-resolution images with few-step inference", as in diffusers' `LCMScheduler` with its defaults. A step from
/// timestep t estimates the clean latent x₀ (as in DDIM) and goes to the level ᾱ' of the next timestep:
///
///     f  = c_skip z + c_out x₀,  c_skip = d² / ((10 t)² + d²),  c_out = 10 t / √((10 t)² + d²),  d = 0.5
///     z' = √ᾱ' f + √(1−ᾱ') n
///
/// The last result is f. The checkpoint's spacing and offset are ignored. The source of the noise n is the sampler's
/// history.
public struct LCM: Sampler {
  /// The noise levels of the training timesteps.
  public let schedule: NoiseSchedule
  /// The timestep of each step, noisiest first.
  public let timesteps: [Int]

  /// The source of the noise.
  private var noise: RandomSource

  /// The number of timesteps that a network is distilled on: diffusers' `original_inference_steps`.
  private static let distilledSteps = 50
  /// The factor of the timestep in c_skip and c_out: diffusers' `timestep_scaling`.
  private static let timestepScale = 10.0
  /// d, the standard deviation of the data.
  private static let dataDeviation = 0.5

  /// Creates a sampler with `stepCount` steps.
  ///
  /// With T steps of N training timesteps, step i is at k · (50 − ⌊50 i / T⌋) − 1, where k = ⌊N / 50⌋.
  ///
  /// - Parameters:
  ///   - schedule: The noise levels.
  ///   - stepCount: The number of steps.
  ///   - noise: The source of the noise that steps add. If the first latent was drawn from it before, the result is
  ///     that of diffusers with a generator of the same seed.
  /// - Throws: `InputError(.outOfRange)` unless there are 1 to 50 steps and at least 50 training timesteps.
  public init(_ schedule: NoiseSchedule, stepCount: Int, noise: RandomSource) throws {
    let (count, distilled) = (schedule.trainingSteps, Self.distilledSteps)
    guard stepCount >= 1, stepCount <= distilled else {
      throw InputError(
        .outOfRange, "The number of steps is \(stepCount), but must be between 1 and \(distilled) for LCM.")
    }
    guard count >= distilled else {
      throw InputError(
        .outOfRange,
        "LCM needs \(distilled) training timesteps, but this model has only \(count). "
          + "Use another sampler."
      )
    }
    let stride = count / distilled
    self.schedule = schedule
    self.noise = noise
    timesteps = (0..<stepCount).map { stride * (distilled - distilled * $0 / stepCount) - 1 }
  }

  /// Returns ᾱ at the timestep of step `index` and at that of the next step; 1 after the last.
  public func alphas(ofStep index: Int) -> (start: Double, end: Double) {
    (
      Double(schedule.alpha(timesteps[index])),
      index + 1 < stepCount ? Double(schedule.alpha(timesteps[index + 1])) : 1
    )
  }

  /// Returns the latent after one step toward the sample.
  ///
  /// - Parameters:
  ///   - latent: The latent before the step, height x width x channels. The noise is drawn in PyTorch's order, channels
  ///     first.
  ///   - prediction: The network's output for `latent` at `timesteps[index]`, of the same shape.
  ///   - index: The step; 0 is the noisiest.
  public mutating func denoised(_ latent: Variable, prediction: Variable, step index: Int) -> Variable {
    let timestep = timesteps[index]
    let estimate = schedule.prediction.cleanEstimate(at: Double(schedule.alpha(timestep)))
    let scaled = Self.timestepScale * Double(timestep)
    let length = hypot(scaled, Self.dataDeviation)
    let (skip, out) = (pow(Self.dataDeviation / length, 2), scaled / length)
    let clean = Variable.combination(
      Float(skip + out * estimate.latent), latent, Float(out * estimate.prediction), prediction)
    guard index < stepCount - 1 else { return clean }

    let (height, width, channels) = latent.value.shape3
    let drawn = noise.normal(shape: [channels, height, width]).channelsLast()
    let next = alphas(ofStep: index).end
    return .combination(Float(next.squareRoot()), clean, Float((1 - next).squareRoot()), Variable(drawn))
  }
}
