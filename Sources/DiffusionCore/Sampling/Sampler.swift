public import Tensor

/// A way from noise to a sample in a fixed number of steps.
///
/// A sampler is a value. Its history (what a multistep method remembers of earlier steps, or the state of its noise) is part
/// of it, so a copy continues on its own. Steps are made in order, each index once.
public protocol Sampler: Sendable {
  /// The noise levels of the training.
  var schedule: NoiseSchedule { get }

  /// The timestep at which the network is evaluated in each step, noisiest first.
  var timesteps: [Int] { get }

  /// ᾱ where step `index` starts and where it ends; 1 where it ends without noise.
  func alphas(ofStep index: Int) -> (start: Double, end: Double)

  /// One step from noise to sample.
  ///
  /// - Parameters:
  ///   - latent: the latent before the step, height x width x channels. A sampler that adds no noise takes any shape.
  ///   - prediction: the network's output for `latent` at `timesteps[index]`, of the same shape.
  ///   - index: the step, 0 being the noisiest.
  /// - Returns: The latent after the step; tracked if an input is. The history counts as a constant.
  mutating func denoised(_ latent: Variable, prediction: Variable, step index: Int) -> Variable
}

extension Sampler {
  /// The number of steps.
  public var stepCount: Int { timesteps.count }

  /// One step from noise to sample, on tensors.
  public mutating func denoised(_ latent: Tensor, prediction: Tensor, step index: Int) -> Tensor {
    denoised(Variable(latent), prediction: Variable(prediction), step: index).value
  }
}

/// The numbers a and b of a step z' = a z + b y from a latent z with the network's output y.
public struct StepCoefficients: Sendable, Equatable {
  /// The factor of the latent.
  public let latent: Double
  /// The factor of the network's output.
  public let prediction: Double

  /// A step's two factors.
  public init(latent: Double, prediction: Double) {
    self.latent = latent
    self.prediction = prediction
  }
}

/// A sampler whose steps are affine and remember nothing, so that a sample can be walked back up into noise.
///
/// Inversion needs one. A conformance gives the coefficients; the steps follow from them.
public protocol InvertibleSampler: Sampler {
  /// The step `index` from noise to sample.
  func downward(step index: Int) -> StepCoefficients

  /// The step `index` from sample to noise, with the network evaluated at `timesteps[index]`, the level that is reached.
  func upward(step index: Int) -> StepCoefficients
}

extension InvertibleSampler {
  /// One step from noise to sample.
  public func denoised(_ latent: Variable, prediction: Variable, step index: Int) -> Variable {
    let step = downward(step: index)
    return .combination(Float(step.latent), latent, Float(step.prediction), prediction)
  }

  /// One step from noise to sample, on tensors.
  public func denoised(_ latent: Tensor, prediction: Tensor, step index: Int) -> Tensor {
    denoised(Variable(latent), prediction: Variable(prediction), step: index).value
  }

  /// One step from sample to noise.
  ///
  /// - Parameter prediction: the network's output for `latent` at `timesteps[index]`.
  public func noised(_ latent: Tensor, prediction: Tensor, step index: Int) -> Tensor {
    let step = upward(step: index)
    return .combination(Float(step.latent), latent, Float(step.prediction), prediction)
  }

  /// The latent from which `denoised` leads to `latent`: its exact inverse.
  ///
  /// - Parameter prediction: the network's output for the latent that is sought, or for an estimate of it.
  public func origin(of latent: Tensor, prediction: Tensor, step index: Int) -> Tensor {
    let step = downward(step: index)
    return .combination(
      Float(1 / step.latent), latent, Float(-step.prediction / step.latent), prediction)
  }
}
