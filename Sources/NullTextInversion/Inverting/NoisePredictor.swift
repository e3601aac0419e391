internal import DiffusionCore
internal import Tensor

/// Asks the UNet, and gives up before an evaluation rather than during it when the task is cancelled.
struct NoisePredictor {
  let unet: UNet
  let sampler: DDIM

  /// The part of an evaluation that no text touches.
  func stem(_ latent: Tensor, at timestep: Int, control: (any AttentionControl)? = nil) throws -> Stem {
    try Task.checkCancellation()
    return unet.stem(latent, timestep: timestep, control: control)
  }

  /// The prediction for a text.
  func prediction(
    _ stem: Stem, _ context: TextContext, control: (any AttentionControl)? = nil
  ) throws -> Variable {
    try Task.checkCancellation()
    return unet.trunk(stem, context: context, control: control)
  }

  /// Classifier-free guidance: ε∅ + w (ε_text − ε∅).
  func guided(null: Variable, text: Variable, guidance: Double) -> Variable {
    .combination(Float(1 - guidance), null, Float(guidance), text)
  }
}
