package import DiffusionCore
internal import Tensor

/// What an inpainting model reads beside the latent: where the picture may change, and the latent of the rest of it.
///
/// The channels are those of Stable Diffusion's inpainting models: latent, mask, latent of the masked picture. Inversion,
/// reconstruction and edits of a picture all read the same.
package enum Inpainting {
  /// Refuses a mask that the model does not read, and an inpainting model without one.
  ///
  /// - Throws: `InputError(.mismatch)`.
  package static func check(_ mask: EditMask?, _ configuration: ModelConfiguration) throws {
    if configuration.isForInpainting, mask == nil {
      throw InputError(
        .mismatch,
        "This is an inpainting model: it needs a mask of what may change when a picture is inverted. Name one with --mask, or "
          + "give it to invert(image:caption:mask:).")
    }
    if !configuration.isForInpainting, mask != nil {
      throw InputError(
        .mismatch,
        "Only inpainting models read a mask when a picture is inverted. With this model, give the mask to the edit."
      )
    }
    try mask?.validate()
  }

  /// The mask and the latent of what it leaves, for a picture as the model sees it.
  ///
  /// - Parameter inversion: says which part of the source the picture shows.
  /// - Returns: latent height x width x (1 + channels).
  /// - Throws: `InputError` if the mask leaves nothing to change.
  static func condition(
    of picture: RGBImage, _ mask: EditMask, _ inversion: Inversion, _ model: DiffusionModel
  ) throws -> Tensor {
    let (width, height) = (picture.width, picture.height)
    let free = try mask.latentMask(height: height, width: width, inversion: inversion).scalars.map {
      $0 >= 0.5
    }
    let pixels = picture.tensor
    let known = Tensor(shape: pixels.shape) { known in
      pixels.withScalars { pixels in
        // Zero is the middle of a picture's range.
        for i in 0..<pixels.count { known[i] = free[i / 3] ? 0 : pixels[i] }
      }
    }
    return try condition(ofKnown: known, model) { row, column in
      let factor = model.configuration.autoencoder.downsamplingFactor
      return free[row * factor * width + column * factor]
    }
  }

  /// What says that nothing of a picture is known.
  static func blank(_ size: PixelSize, _ model: DiffusionModel) throws -> Tensor {
    try condition(ofKnown: Tensor(zeros: [size.height, size.width, 3]), model) { _, _ in true }
  }

  private static func condition(
    ofKnown picture: Tensor, _ model: DiffusionModel, _ isFree: (_ row: Int, _ column: Int) -> Bool
  ) throws -> Tensor {
    let latent = try model.autoencoder.encode(picture).requireFinite(
      "The autoencoder's latent of the masked picture")
    let (rows, columns, _) = latent.shape3
    let mask = Tensor(shape: [rows, columns, 1]) { mask in
      for row in 0..<rows {
        for column in 0..<columns { mask[row * columns + column] = isFree(row, column) ? 1 : 0 }
      }
    }
    return Variable(mask).concatenated(with: Variable(latent)).value
  }
}
