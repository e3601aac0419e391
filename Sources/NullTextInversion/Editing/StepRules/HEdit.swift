internal import DiffusionCore
internal import Tensor

/// The source's step carried over to the target, and guidance towards the new prompt and away from the caption.
///
/// h-Edit: Nguyen et al. 2025, arXiv 2503.02187. With u = z' − μ(z, ε(z, caption)), μ(x, ε) = A x + c ε as in ``DifferenceRule``:
///
///     b  = μ(x, ε(x, caption)) + u
///     x' = b + c { w (ε_prompt − ε∅) − ŵ (ε_caption − ε∅) }
///
/// The braces are evaluated at x and the step's timestep, or, implicitly, at b and the timestep that the step leads to. On DDIM's
/// path it is h-Edit-D, on pivots of independent noise h-Edit-R. Three evaluations a step, four implicitly, and one of the source.
public struct HEdit: Sendable, Hashable {
  /// ŵ: the strength of guidance away from the caption; near the edit's own guidance w, what both texts say cancels.
  public var sourceGuidance: Double
  /// Whether the braces are evaluated where the step leads to.
  public var isImplicit: Bool

  /// Settings; the defaults are the published ones, for edits at guidance 10.
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
