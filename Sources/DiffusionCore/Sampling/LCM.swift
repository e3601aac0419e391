internal import Foundation
public import Tensor

/// Latent consistency sampling: a few steps, with new noise after each but the last.
///
/// For networks that were distilled into a consistency model. Luo et al. 2023, "Latent consistency models: synthesizing
/// high-resolution images with few-step inference", as in diffusers' `LCMScheduler` with its defaults. A step from the
/// timestep t estimates the clean latent x₀ (as DDIM does) and leads to the level ᾱ' of the next timestep:
///
///     f  = c_skip z + c_out x₀,  c_skip = d² / ((10 t)² + d²),  c_out = 10 t / √((10 t)² + d²),  d = 0.5
///     z' = √ᾱ' f + √(1−ᾱ') n
///
/// The last result is f. The spacing and the offset that a checkpoint states do not count. The source of the noise n is the
/// sampler's history.
public struct LCM: Sampler {
  /// The noise levels of the training.
  public let schedule: NoiseSchedule
  /// The timestep of each step, noisiest first.
  public let timesteps: [Int]

  /// Where the noise comes from.
  private var noise: RandomSource

  /// The number of timesteps that a network is distilled on: diffusers' `original_inference_steps`.
  private static let distilledSteps = 50
  /// What a timestep is multiplied by in c_skip and c_out: diffusers' `timestep_scaling`.
  private static let timestepScale = 10.0
  /// d, the standard deviation of the data.
  private static let dataDeviation = 0.5

  /// Sampling in `stepCount` steps.
  ///
  /// With T steps of N training timesteps, step i is at k · (50 − ⌊50 i / T⌋) − 1, where k = ⌊N / 50⌋.
  ///
  /// - Parameter noise: the source of the noise that steps add, after the first latent has been drawn from it: the result is
  ///   then that of diffusers with a generator of the same seed.
  /// - Throws: `InputError(.outOfRange)` unless the number of steps is between 1 and 50 and the training has 50 timesteps.
  public init(_ schedule: NoiseSchedule, stepCount: Int, noise: RandomSource) throws {
    let (count, distilled) = (schedule.trainingSteps, Self.distilledSteps)
    guard stepCount >= 1, stepCount <= distilled else {
      throw InputError(.outOfRange, "\(stepCount) steps: LCM makes between 1 and \(distilled).")
    }
    guard count >= distilled else {
      throw InputError(
        .outOfRange,
        "LCM chooses from \(distilled) timesteps, but this model's training has only \(count). Use another sampler."
      )
    }
    let stride = count / distilled
    self.schedule = schedule
    self.noise = noise
    timesteps = (0..<stepCount).map { stride * (distilled - distilled * $0 / stepCount) - 1 }
  }

  /// ᾱ at the timestep of step `index`, and at that of the next; 1 after the last.
  public func alphas(ofStep index: Int) -> (start: Double, end: Double) {
    (
      Double(schedule.alpha(timesteps[index])),
      index + 1 < stepCount ? Double(schedule.alpha(timesteps[index + 1])) : 1
    )
  }

  /// One step from noise to sample.
  ///
  /// - Parameter latent: height x width x channels. The noise is drawn in the order of PyTorch, channels first.
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
