internal import DiffusionCore
internal import Tensor

/// Classifier-free guidance followed by the sampler's step.
struct GuidedRule: TargetStepMaker {
  func evaluations(guidance: Double) -> [[PredictedText]] { [[.null, .prompt]] }

  func latent(after step: TargetStep) throws -> Tensor {
    try latent(after: step) { .guided(null: $0, text: $1, by: step.guidance) }
  }

  /// Returns the latent after the step.
  ///
  /// - Parameter guide: Combines the predictions for the null embedding and for the prompt.
  func latent(after step: TargetStep, guide: (_ null: Tensor, _ text: Tensor) -> Tensor) throws -> Tensor {
    let outputs = try step.outputs([.null, .prompt], step.latent, step.timestep)
    var sampler = step.sampler
    return sampler.denoised(step.latent, prediction: guide(outputs[0], outputs[1]), step: step.index)
  }
}
