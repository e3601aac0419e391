public import Tensor

extension NoiseSchedule.Prediction {
  /// The numbers a and b of x₀ = a z + b y: the clean latent as a latent z and the network's output y give it.
  ///
  /// With ε: x₀ = (z − √(1−ᾱ) ε) / √ᾱ (Song et al. 2021, equation 9). With v: x₀ = √ᾱ z − √(1−ᾱ) v (Salimans and Ho
  /// 2022, appendix D).
  ///
  /// - Parameter alpha: ᾱ at the level of z; above zero for ε, which says nothing about x₀ where no signal is left.
  func cleanEstimate(at alpha: Double) -> StepCoefficients {
    let (signal, noise) = (alpha.squareRoot(), (1 - alpha).squareRoot())
    return switch self {
    case .epsilon: StepCoefficients(latent: 1 / signal, prediction: -noise / signal)
    case .velocity: StepCoefficients(latent: signal, prediction: -noise)
    }
  }

  /// The noise ε as a latent z and the network's output y give it: y itself, or √ᾱ v + √(1−ᾱ) z.
  ///
  /// - Parameter alpha: ᾱ at the level of z.
  public func noise(_ output: Tensor, at latent: Tensor, alpha: Double) -> Tensor {
    switch self {
    case .epsilon: output
    case .velocity:
      .combination(Float(alpha.squareRoot()), output, Float((1 - alpha).squareRoot()), latent)
    }
  }
}
