internal import DiffusionCore
internal import Tensor

/// Evaluates the UNet.
///
/// Throws `CancellationError` before an evaluation if the task is cancelled, and `InputError` if a prediction is not
/// finite.
struct NoisePredictor {
  let unet: UNet
  /// The extra input channels of an inpainting model, height x width x channels; nil for other models.
  var condition: Tensor?

  /// Computes the part of an evaluation that does not depend on the text.
  func stem(_ latent: Tensor, at timestep: Int, control: (any AttentionControl)? = nil) throws -> Stem {
    try Task.checkCancellation()
    let input = condition.map { Variable(latent).concatenated(with: Variable($0)).value } ?? latent
    return unet.stem(input, timestep: timestep, control: control)
  }

  /// One of several evaluations at the same latent: its text and its attention control.
  struct Branch {
    let context: TextContext
    var control: (any AttentionControl)?
    /// Whether the control changes the stem's self-attention, so that the stem cannot be shared.
    var controlsStem = false
  }

  /// Returns the predictions of several branches at a latent, in order; branches share one stem unless their control
  /// changes it.
  func predictions(_ latent: Tensor, at timestep: Int, _ branches: [Branch]) throws -> [Variable] {
    var shared: Stem?
    return try branches.map { branch in
      let stem =
        branch.controlsStem
        ? try self.stem(latent, at: timestep, control: branch.control)
        : try shared ?? self.stem(latent, at: timestep)
      if !branch.controlsStem { shared = stem }
      return try prediction(stem, branch.context, control: branch.control)
    }
  }

  /// Returns the prediction for a text.
  func prediction(
    _ stem: Stem, _ context: TextContext, control: (any AttentionControl)? = nil
  ) throws -> Variable {
    try Task.checkCancellation()
    let prediction = unet.trunk(stem, context: context, control: control)
    try prediction.value.requireFinite("The UNet's prediction at timestep \(stem.timestep)")
    return prediction
  }
}
