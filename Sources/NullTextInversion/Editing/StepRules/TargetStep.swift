internal import DiffusionCore
internal import Tensor

/// A step of a target, as a step rule sees it.
struct TargetStep {
  let index: Int
  /// The target's latent before the step, height x width x channels.
  let latent: Tensor
  let source: SourceStep
  /// The strength of guidance towards the new prompt.
  let guidance: Double
  let sampler: any Sampler
  /// ω²: the variance of the noise that the source's step adds.
  let variance: Double
  /// The network's outputs at a latent, one for each text in their order.
  let outputs: (_ texts: [PredictedText], _ latent: Tensor, _ timestep: Int) throws -> [Tensor]

  /// The timestep of the step.
  var timestep: Int { sampler.timesteps[index] }

  /// The timestep that the step leads to: that of the next step, 0 after the last.
  var nextTimestep: Int { sampler.endTimestep(ofStep: index) }

  /// The noise ε that the network predicts at a latent, one for each text in their order.
  func noises(_ texts: [PredictedText], at latent: Tensor, _ timestep: Int) throws -> [Tensor] {
    try outputs(texts, latent, timestep).map { noise($0, at: latent, timestep) }
  }

  /// The noise ε that the network predicts for the source before the step, under its caption or its null embedding.
  func sourceNoise(_ output: Tensor) -> Tensor { noise(output, at: source.latent, timestep) }

  private func noise(_ output: Tensor, at latent: Tensor, _ timestep: Int) -> Tensor {
    let schedule = sampler.schedule
    return schedule.prediction.noise(output, at: latent, alpha: Double(schedule.alpha(timestep)))
  }

  /// A and c of μ(x, ε) = A x + c ε: the mean of the step in terms of the noise.
  ///
  /// A = √(ᾱ'/ᾱ) and c = √(1 − ᾱ' − ω²) − A √(1 − ᾱ), with ᾱ at the start and ᾱ' at the end (Song et al. 2021, equation 12).
  var mean: (latent: Float, noise: Float) {
    let (start, end) = sampler.alphas(ofStep: index)
    let ratio = (end / start).squareRoot()
    return (
      Float(ratio), Float(max(0, 1 - end - variance).squareRoot() - ratio * (1 - start).squareRoot())
    )
  }

  /// The source's step carried over to the target: z' + A (x − z) + c d, with z and z' the source's latents.
  ///
  /// What the source's step has beyond its mean, z' − μ(z, ε), goes into the target's, so a target at the source's latent with
  /// d = 0 lands on the source's next latent exactly.
  ///
  /// - Parameter difference: d, of the noises of target and source.
  func carriedOver(_ difference: Tensor) -> Tensor {
    let mean = mean
    return source.next + mean.latent * (latent - source.latent) + mean.noise * difference
  }
}

extension Sampler {
  /// The timestep that step `index` leads to: that of the next step, 0 after the last.
  func endTimestep(ofStep index: Int) -> Int { index + 1 < stepCount ? timesteps[index + 1] : 0 }
}
