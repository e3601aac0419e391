internal import Tensor

/// The parts of the source that edits read in one step.
struct SourceStep {
  /// The source's latent before the step, height x width x channels.
  let latent: Tensor
  /// The source's latent after the step.
  let next: Tensor
  /// The pivot after the step.
  let pivot: Tensor
  /// The attention under the caption, at the sites that are read.
  let conditional: SourceAttention
  /// The attention under the null embedding, at the sites that are read.
  let unconditional: SourceAttention
  /// The network's outputs before the step.
  let predictions: Predictions

  /// The source's own predictions before a step.
  struct Predictions {
    fileprivate let ofCaption: Tensor?
    /// The prediction under the null embedding; nil if it is not read.
    let null: Tensor?

    init(caption: Tensor?, null: Tensor?) { (ofCaption, self.null) = (caption, null) }

    /// The prediction under the caption; reading it traps if the step's `SourceReading` does not include it.
    var caption: Tensor {
      guard let ofCaption else { preconditionFailure("the source's prediction was not read") }
      return ofCaption
    }
  }
}
