internal import DiffusionCore
internal import Tensor

/// The input of a step rule: one step of a target.
struct TargetStep {
  let index: Int
  /// The target's latent before the step, height x width x channels.
  let latent: Tensor
  let source: SourceStep
  /// The guidance scale of the new prompt.
  let guidance: Double
  let sampler: any Sampler
  /// The variance ω² of the noise that the source's step adds.
  let variance: Double
  /// Returns the network's outputs at a latent, one per text.
  let outputs: (_ texts: [PredictedText], _ latent: Tensor, _ timestep: Int) throws -> [Tensor]

  /// The timestep of the step.
  var timestep: Int { sampler.timesteps[index] }

  /// The timestep at the end of the step: that of the next step, or 0 after the last.
  var nextTimestep: Int { sampler.endTimestep(ofStep: index) }

  /// Returns the noise predictions ε at a latent, one per text.
  func noises(_ texts: [PredictedText], at latent: Tensor, _ timestep: Int) throws -> [Tensor] {
    try outputs(texts, latent, timestep).map { noise($0, at: latent, timestep) }
  }

  /// Converts the source's output before the step, under its caption or null embedding, to a noise prediction ε.
  func sourceNoise(_ output: Tensor) -> Tensor { noise(output, at: source.latent, timestep) }

  private func noise(_ output: Tensor, at latent: Tensor, _ timestep: Int) -> Tensor {
    let schedule = sampler.schedule
    return schedule.prediction.noise(output, at: latent, alpha: Double(schedule.alpha(timestep)))
  }

  /// The coefficients A and c of the step's mean, μ(x, ε) = A x + c ε.
  ///
  /// A = √(ᾱ'/ᾱ) and c = √(1 − ᾱ' − ω²) − A √(1 − ᾱ), with ᾱ at the start and ᾱ' at the end of the step (Song et al.
  /// 2021, equation 12).
  var mean: (latent: Float, noise: Float) {
    let (start, end) = sampler.alphas(ofStep: index)
    let ratio = (end / start).squareRoot()
    return (
      Float(ratio), Float(max(0, 1 - end - variance).squareRoot() - ratio * (1 - start).squareRoot())
    )
  }

  /// Applies the source's step to the target: z' + A (x − z) + c d, with the source's latents z and z' before and
  /// after the step.
  ///
  /// The step includes the difference of the source's step from its mean, z' − μ(z, ε). A target at the source's
  /// latent with d = 0 therefore reaches the source's next latent exactly.
  ///
  /// - Parameter difference: The difference d of the noise predictions of target and source.
  func carriedOver(_ difference: Tensor) -> Tensor {
    let mean = mean
    return source.next + mean.latent * (latent - source.latent) + mean.noise * difference
  }
}

extension Sampler {
  /// Returns the timestep at the end of step `index`: that of the next step, or 0 after the last.
  func endTimestep(ofStep index: Int) -> Int { index + 1 < stepCount ? timesteps[index + 1] : 0 }
}
