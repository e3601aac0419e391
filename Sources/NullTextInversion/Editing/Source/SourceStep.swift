internal import Tensor

/// The source in one step, as far as edits read it.
struct SourceStep {
  /// The source's latent before the step, height x width x channels.
  let latent: Tensor
  /// The source's latent after the step.
  let next: Tensor
  /// The pivot after the step.
  let pivot: Tensor
  /// The attention under the caption, where it is read.
  let conditional: SourceAttention
  /// The attention under the null embedding, where it is read.
  let unconditional: SourceAttention
  /// The network's outputs before the step.
  let predictions: Predictions

  /// The source's own predictions before a step.
  struct Predictions {
    fileprivate let ofCaption: Tensor?
    /// That under the null embedding; nil where it is not read.
    let null: Tensor?

    init(caption: Tensor?, null: Tensor?) { (ofCaption, self.null) = (caption, null) }

    /// That under the caption, which the step's reading must name.
    var caption: Tensor {
      guard let ofCaption else { preconditionFailure("the source's prediction was not read") }
      return ofCaption
    }
  }
}
