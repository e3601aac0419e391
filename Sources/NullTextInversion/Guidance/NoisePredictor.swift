internal import DiffusionCore
internal import Tensor

/// Evaluates the UNet, and gives up before an evaluation when the task is cancelled.
struct NoisePredictor {
  let unet: UNet

  /// The part of an evaluation that does not depend on the text.
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
}
