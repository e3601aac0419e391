public import Tensor

extension NoiseSchedule.Prediction {
  /// Returns the factors a and b of the clean latent x₀ = a z + b y, from a latent z and the network's output y.
  ///
  /// For ε: x₀ = (z − √(1−ᾱ) ε) / √ᾱ (Song et al. 2021, equation 9). For v: x₀ = √ᾱ z − √(1−ᾱ) v (Salimans and Ho
  /// 2022, appendix D).
  ///
  /// - Parameter alpha: ᾱ at the level of z; for ε it must be above zero, because ε does not determine x₀ without a
  ///   signal.
  func cleanEstimate(at alpha: Double) -> StepCoefficients {
    let (signal, noise) = (alpha.squareRoot(), (1 - alpha).squareRoot())
    return switch self {
    case .epsilon: StepCoefficients(latent: 1 / signal, prediction: -noise / signal)
    case .velocity: StepCoefficients(latent: signal, prediction: -noise)
    }
  }

  /// Returns the noise ε from a latent z and the network's output y: y itself, or √ᾱ v + √(1−ᾱ) z.
  ///
  /// - Parameters:
  ///   - output: The network's output y.
  ///   - latent: The latent z, of the same shape.
  ///   - alpha: ᾱ at the level of z.
  public func noise(_ output: Tensor, at latent: Tensor, alpha: Double) -> Tensor {
    switch self {
    case .epsilon: output
    case .velocity:
      .combination(Float(alpha.squareRoot()), output, Float((1 - alpha).squareRoot()), latent)
    }
  }
}
