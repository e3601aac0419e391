internal import DiffusionCore
internal import Tensor

/// Evaluates the UNet: gives up before an evaluation when the task is cancelled, and refuses a prediction that is not finite.
struct NoisePredictor {
  let unet: UNet
  /// What an inpainting model reads beside the latent: height x width x channels; nil for other models.
  var condition: Tensor?

  /// The part of an evaluation that does not depend on the text.
  func stem(_ latent: Tensor, at timestep: Int, control: (any AttentionControl)? = nil) throws -> Stem {
    try Task.checkCancellation()
    let input = condition.map { Variable(latent).concatenated(with: Variable($0)).value } ?? latent
    return unet.stem(input, timestep: timestep, control: control)
  }

  /// The prediction for a text.
  func prediction(
    _ stem: Stem, _ context: TextContext, control: (any AttentionControl)? = nil
  ) throws -> Variable {
    try Task.checkCancellation()
    let prediction = unet.trunk(stem, context: context, control: control)
    try prediction.value.requireFinite("The UNet's prediction at timestep \(stem.timestep)")
    return prediction
  }
}
