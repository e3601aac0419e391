public import Tensor

/// Deterministic sampling in `stepCount` steps, in both directions.
///
/// Song et al. 2021, equation 12 with σ = 0.
///
/// Timesteps are spaced evenly from the start ("leading"): step i of T is at (T − 1 − i) · (N / T) + offset.
public struct DDIM: Sendable, Equatable {
  /// The noise levels.
  public let schedule: NoiseSchedule
  /// The timestep of each step, from noise to picture.
  public let timesteps: [Int]
  /// How far two neighbouring timesteps are apart.
  public let stride: Int

  /// Sampling in `stepCount` steps.
  ///
  /// - Throws: `InputError` unless there is at least one step and no more than the training had.
  public init(_ schedule: NoiseSchedule, stepCount: Int) throws {
    guard stepCount >= 1, stepCount <= schedule.trainingSteps else {
      throw InputError(
        .outOfRange,
        "\(stepCount) steps: between 1 and \(schedule.trainingSteps) can be made with this model.")
    }
    self.schedule = schedule
    let stride = schedule.trainingSteps / stepCount
    self.stride = stride
    timesteps = (0..<stepCount).reversed().map {
      min($0 * stride + schedule.stepsOffset, schedule.trainingSteps - 1)
    }
  }

  /// The number of steps.
  public var stepCount: Int { timesteps.count }

  /// One step from noise to picture: from `timestep` to the one below.
  ///
  /// - Parameter prediction: the network's output at `latent` and `timestep`.
  public func denoised(_ latent: Variable, prediction: Variable, at timestep: Int) -> Variable {
    let c = coefficients(from: timestep, to: timestep - stride)
    return .combination(Float(c.latent), latent, Float(c.prediction), prediction)
  }

  /// One step from noise to picture.
  public func denoised(_ latent: Tensor, prediction: Tensor, at timestep: Int) -> Tensor {
    denoised(Variable(latent), prediction: Variable(prediction), at: timestep).value
  }

  /// One step from picture to noise: from the level below `timestep` up to it.
  ///
  /// - Parameter prediction: the network's output at `latent`, asked at `timestep`, the level that is gone to.
  public func noised(_ latent: Tensor, prediction: Tensor, at timestep: Int) -> Tensor {
    let c = coefficients(from: timestep - stride, to: timestep)
    return .combination(Float(c.latent), latent, Float(c.prediction), prediction)
  }

  /// The latent from which a denoising step leads to `latent`: the exact inverse of `denoised`.
  ///
  /// - Parameter prediction: the network's output at the latent that is sought, or at a guess of it.
  public func origin(of latent: Tensor, prediction: Tensor, at timestep: Int) -> Tensor {
    let c = coefficients(from: timestep, to: timestep - stride)
    return .combination(Float(1 / c.latent), latent, Float(-c.prediction / c.latent), prediction)
  }

  /// The numbers a and b of z' = a z + b y, for the network's output y, between two noise levels.
  ///
  /// With ε: x₀ = (z − √(1−ᾱ) ε) / √ᾱ and z' = √ᾱ' x₀ + √(1−ᾱ') ε. With v: x₀ = √ᾱ z − √(1−ᾱ) v and
  /// ε = √ᾱ v + √(1−ᾱ) z at the level that z is at.
  public func coefficients(from: Int, to: Int) -> (latent: Double, prediction: Double) {
    let (a, b) = (Double(schedule.alpha(from)), Double(schedule.alpha(to)))
    let (signal, noise) = (a.squareRoot(), (1 - a).squareRoot())
    let (nextSignal, nextNoise) = (b.squareRoot(), (1 - b).squareRoot())
    switch schedule.prediction {
    case .epsilon:
      return (nextSignal / signal, nextNoise - nextSignal * noise / signal)
    case .velocity:
      return (nextSignal * signal + nextNoise * noise, nextNoise * signal - nextSignal * noise)
    }
  }
}
