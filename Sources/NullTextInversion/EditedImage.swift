public import DiffusionCore
internal import Tensor

/// An edited picture, and what made it.
public struct EditedImage: Sendable {
  /// The picture.
  public let image: RGBImage
  /// The prompt it was made with.
  public let prompt: String
  /// The options it was made with: the recipe.
  public let options: EditOptions
  /// Where local blend let the picture change, at the picture's size; nil without one.
  ///
  /// It can be saved (``EditMask/picture``), changed, and given back as ``EditOptions/mask``.
  public let mask: EditMask?
  /// The network evaluations of the call that made it.
  public let evaluations: EvaluationCount

  let latents: [Tensor]
  let source: Inversion
  let editor: ImageEditor

  /// This picture as the source of further edits: its path is the source's, its prompt the caption.
  public var inverted: InvertedImage {
    var inversion = source
    inversion.caption = prompt
    inversion.options.guidance = options.guidance ?? source.guidance
    inversion.trajectory = latents
    // Thresholded guidance leads back to the pivots: to this picture, not to the one before.
    inversion.pivots = latents.reversed()
    return InvertedImage(editor: editor, inversion: inversion, evaluations: EvaluationCount())
  }
}
