internal import DiffusionCore
internal import Tensor

/// Adds the difference between the guided predictions of target and source to the source's own step.
///
///     x' = z' + A (x − z) + c (ε_w(x, prompt) − ε_ŵ(z, caption)),  ε_w = ε∅ + w (ε_text − ε∅)
///
/// Here z and z' are the source's latents before and after the step, A = √(ᾱ'/ᾱ), c = √(1 − ᾱ' − ω²) − A √(1 − ᾱ),
/// and ω² is the variance of the noise that the step adds; it is zero for DDIM. On pivots of independent noise, this
/// is edit-friendly DDPM inversion (Huberman-Spiegelglas et al. 2024, arXiv 2304.06140). At LCM timesteps, where each
/// step adds entirely new noise, it is InfEdit (Xu et al. 2024, arXiv 2312.04965).
public struct DifferenceRule: Sendable, Hashable {
  /// The guidance scale ŵ of the source's prediction; at 1 the source's null embedding is not evaluated.
  public var sourceGuidance: Double

  /// Creates a rule.
  public init(sourceGuidance: Double = 1) { self.sourceGuidance = sourceGuidance }
}

extension DifferenceRule: TargetStepMaker {
  func validate() throws(InputError) { try GuidedStep.validate(guidance: sourceGuidance) }

  var sourcePredictions: SourcePredictions { sourceGuidance == 1 ? .caption : [.caption, .null] }

  func evaluations(guidance: Double) -> [[PredictedText]] { [guidance == 1 ? [.prompt] : [.null, .prompt]] }

  func latent(after step: TargetStep) throws -> Tensor {
    let texts = evaluations(guidance: step.guidance)[0]
    let noises = try step.noises(texts, at: step.latent, step.timestep)
    let source = step.source.predictions
    return step.carriedOver(
      Self.guided(noises[texts.count - 1], null: texts.count == 1 ? nil : noises[0], by: step.guidance)
        - Self.guided(
          step.sourceNoise(source.caption), null: source.null.map(step.sourceNoise), by: sourceGuidance))
  }

  private static func guided(_ text: Tensor, null: Tensor?, by guidance: Double) -> Tensor {
    null.map { .guided(null: $0, text: text, by: guidance) } ?? text
  }
}
