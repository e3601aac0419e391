package import DiffusionCore
internal import Tensor

/// The extra input channels of an inpainting model: the mask and the latent of the masked image.
///
/// The channel order is that of Stable Diffusion's inpainting models: latent, mask, masked latent. Inversion,
/// reconstruction and edits of an image use the same channels.
package enum Inpainting {
  /// Checks that a mask is given exactly if the model is an inpainting model.
  ///
  /// - Throws: `InputError(.mismatch)` if a mask is missing or not supported; the errors of mask validation.
  package static func check(_ mask: EditMask?, _ configuration: ModelConfiguration) throws {
    if configuration.isForInpainting, mask == nil {
      throw InputError(
        .mismatch,
        "This is an inpainting model, whose inversions need a mask of the region that may change. Give one with --mask, or "
          + "pass it to invert(image:caption:mask:).")
    }
    if !configuration.isForInpainting, mask != nil {
      throw InputError(
        .mismatch,
        "Only inpainting models use a mask for an inversion. With this model, give the mask to the edit."
      )
    }
    try mask?.validate()
  }

  /// Computes the mask and the masked latent for an image at the model's input size.
  ///
  /// - Parameter inversion: The inversion, whose crop maps the mask to the image.
  /// - Returns: Latent height x latent width x (1 + channels).
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
        // Masked pixels are zero, the middle of the pixel range.
        for i in 0..<pixels.count { known[i] = free[i / 3] ? 0 : pixels[i] }
      }
    }
    return try condition(ofKnown: known, model) { row, column in
      let factor = model.configuration.autoencoder.downsamplingFactor
      return free[row * factor * width + column * factor]
    }
  }

  /// Returns the channels of a fully masked image.
  static func blank(_ size: PixelSize, _ model: DiffusionModel) throws -> Tensor {
    try condition(ofKnown: Tensor(zeros: [size.height, size.width, 3]), model) { _, _ in true }
  }

  private static func condition(
    ofKnown picture: Tensor, _ model: DiffusionModel, _ isFree: (_ row: Int, _ column: Int) -> Bool
  ) throws -> Tensor {
    let latent = try model.autoencoder.encode(picture).requireFinite(
      "The autoencoder's latent of the masked image")
    let (rows, columns, _) = latent.shape3
    let mask = Tensor(shape: [rows, columns, 1]) { mask in
      for row in 0..<rows {
        for column in 0..<columns { mask[row * columns + column] = isFree(row, column) ? 1 : 0 }
      }
    }
    return Variable(mask).concatenated(with: Variable(latent)).value
  }
}
