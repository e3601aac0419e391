internal import DiffusionCore
internal import Tensor

/// h-Edit: applies the source's step to the target, with guidance toward the new prompt and away from the caption.
///
/// Source: Nguyen et al. 2025, arXiv 2503.02187. With u = z' − μ(z, ε(z, caption)) and μ(x, ε) = A x + c ε as in
/// ``DifferenceRule``:
///
///     b  = μ(x, ε(x, caption)) + u
///     x' = b + c { w (ε_prompt − ε∅) − ŵ (ε_caption − ε∅) }
///
/// The explicit form evaluates the terms in braces at x and the step's timestep; the implicit form evaluates them at
/// b and the next timestep. On a DDIM trajectory, this is h-Edit-D; on pivots of independent noise, it is h-Edit-R. A
/// step takes three evaluations (implicit: four), and one of the source.
public struct HEdit: Sendable, Hashable {
  /// The guidance scale ŵ away from the caption.
  ///
  /// Near the edit's guidance scale w, the parts that both texts share cancel.
  public var sourceGuidance: Double
  /// Whether the terms in braces are evaluated at the end of the step.
  public var isImplicit: Bool

  /// Creates a rule; the defaults are the published ones, for edits at guidance scale 10.
  public init(sourceGuidance: Double = 9, isImplicit: Bool = true) {
    self.sourceGuidance = sourceGuidance
    self.isImplicit = isImplicit
  }
}

extension HEdit: TargetStepMaker {
  func validate() throws(InputError) { try GuidedStep.validate(guidance: sourceGuidance) }

  var attentionLead: Int { isImplicit ? 1 : 0 }

  var sourcePredictions: SourcePredictions { .caption }

  func evaluations(guidance: Double) -> [[PredictedText]] {
    let braces: [PredictedText] = [.null, .caption, .prompt]
    return isImplicit ? [[.caption], braces] : [braces]
  }

  func latent(after step: TargetStep) throws -> Tensor {
    let texts = evaluations(guidance: step.guidance)
    let source = step.sourceNoise(step.source.predictions.caption)
    var noises = try step.noises(texts[0], at: step.latent, step.timestep)
    let base = step.carriedOver(noises[isImplicit ? 0 : 1] - source)
    if isImplicit { noises = try step.noises(texts[1], at: base, step.nextTimestep) }
    let (null, caption, prompt) = (noises[0], noises[1], noises[2])
    let braces = Float(step.guidance) * (prompt - null) - Float(sourceGuidance) * (caption - null)
    return base + step.mean.noise * braces
  }
}
