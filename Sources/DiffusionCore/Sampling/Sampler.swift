public import Tensor

/// A method that turns noise into a sample in a fixed number of steps.
///
/// A sampler is a value. Its history (earlier estimates of a multistep method, or the state of its noise source) is
/// part of it, so a copy continues independently. Steps are taken in order, each index once.
public protocol Sampler: Sendable {
  /// The noise levels of the training timesteps.
  var schedule: NoiseSchedule { get }

  /// The timestep of the network evaluation in each step, noisiest first.
  var timesteps: [Int] { get }

  /// Returns ᾱ at the start and the end of step `index`; 1 for an end without noise.
  func alphas(ofStep index: Int) -> (start: Double, end: Double)

  /// Returns the latent after one step toward the sample.
  ///
  /// - Parameters:
  ///   - latent: The latent before the step, height x width x channels. Samplers that add no noise accept any shape.
  ///   - prediction: The network's output for `latent` at `timesteps[index]`, of the same shape.
  ///   - index: The step; 0 is the noisiest.
  /// - Returns: The latent after the step; differentiable if an input is. The history is treated as a constant.
  mutating func denoised(_ latent: Variable, prediction: Variable, step index: Int) -> Variable
}

extension Sampler {
  /// The number of steps.
  public var stepCount: Int { timesteps.count }

  /// Returns the latent after one step toward the sample, for tensors.
  public mutating func denoised(_ latent: Tensor, prediction: Tensor, step index: Int) -> Tensor {
    denoised(Variable(latent), prediction: Variable(prediction), step: index).value
  }
}

/// The factors a and b of a step z' = a z + b y, for a latent z and the network's output y.
public struct StepCoefficients: Sendable, Equatable {
  /// The factor of the latent.
  public let latent: Double
  /// The factor of the network's output.
  public let prediction: Double

  /// Creates the factors of a step.
  public init(latent: Double, prediction: Double) {
    self.latent = latent
    self.prediction = prediction
  }
}

/// A sampler with affine steps and no history, so that a sample can be inverted to noise.
///
/// A conformance provides the coefficients; the steps follow from them.
public protocol InvertibleSampler: Sampler {
  /// Returns the coefficients of step `index` toward the sample.
  func downward(step index: Int) -> StepCoefficients

  /// Returns the coefficients of step `index` toward noise, with the network evaluated at `timesteps[index]`, the end
  /// of the step.
  func upward(step index: Int) -> StepCoefficients
}

extension InvertibleSampler {
  /// Returns the latent after one step toward the sample.
  public func denoised(_ latent: Variable, prediction: Variable, step index: Int) -> Variable {
    let step = downward(step: index)
    return .combination(Float(step.latent), latent, Float(step.prediction), prediction)
  }

  /// Returns the latent after one step toward the sample, for tensors.
  public func denoised(_ latent: Tensor, prediction: Tensor, step index: Int) -> Tensor {
    denoised(Variable(latent), prediction: Variable(prediction), step: index).value
  }

  /// Returns the latent after one step toward noise.
  ///
  /// - Parameters:
  ///   - latent: The latent at the lower noise level.
  ///   - prediction: The network's output for `latent` at `timesteps[index]`.
  ///   - index: The step; 0 is the noisiest.
  public func noised(_ latent: Tensor, prediction: Tensor, step index: Int) -> Tensor {
    let step = upward(step: index)
    return .combination(Float(step.latent), latent, Float(step.prediction), prediction)
  }

  /// Returns the latent that `denoised` maps to `latent`: the exact inverse of a step.
  ///
  /// - Parameters:
  ///   - latent: The latent after the step.
  ///   - prediction: The network's output for the returned latent, or for an estimate of it.
  ///   - index: The step; 0 is the noisiest.
  public func origin(of latent: Tensor, prediction: Tensor, step index: Int) -> Tensor {
    let step = downward(step: index)
    return .combination(
      Float(1 / step.latent), latent, Float(-step.prediction / step.latent), prediction)
  }
}
