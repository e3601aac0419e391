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

  /// One of several evaluations at a latent: the text that the network reads, and what controls its attention.
  struct Branch {
    let context: TextContext
    var control: (any AttentionControl)?
    /// Whether the control acts on the stem's self-attention, so that the stem cannot be shared.
    var controlsStem = false
  }

  /// The predictions of some branches at a latent, in their order: over one stem, but for those whose control acts on it.
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
