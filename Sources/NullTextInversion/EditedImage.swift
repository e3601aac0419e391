public import DiffusionCore
internal import Tensor

/// An edited image and the settings that produced it.
public struct EditedImage: Sendable {
  /// The decoded image, at the size of the model's input.
  public let image: RGBImage
  /// The prompt of the edit.
  public let prompt: String
  /// The options of the edit.
  public let options: EditOptions
  /// The region that the local blend allowed to change in its last step, at the image's size; nil without a local
  /// blend.
  ///
  /// It can be saved as ``EditMask/picture``, changed, and used as ``EditOptions/mask``.
  public let mask: EditMask?
  /// The network evaluations of the call that produced the edit.
  public let evaluations: EvaluationCount

  let latents: [Tensor]
  let source: Inversion
  let reconstructed: Reconstruction
  let editor: ImageEditor

  /// The edited image as the source of further edits.
  ///
  /// Its trajectory is the edit's trajectory; its caption is the edit's prompt.
  public var inverted: InvertedImage {
    var inversion = source
    inversion.caption = prompt
    inversion.options.guidance = options.guidance ?? source.guidance
    inversion.trajectory = latents
    inversion.isOfEdit = true
    // Proximal guidance pulls back to the pivots: they must lead to this image, not to the previous one.
    inversion.pivots = latents.reversed()
    return InvertedImage(editor: editor, inversion: inversion, evaluations: EvaluationCount())
  }
}

extension EditedImage {
  /// Pastes the edit into the photo that was inverted, at the photo's own size.
  ///
  /// Bytes of the photo outside the changed region stay the same. The edit is confined to the mask of the local blend
  /// and the mask of the options; without masks, to the region where the edit visibly differs from the
  /// reconstruction.
  ///
  /// - Parameter photo: The photo that was passed to `invert`.
  /// - Throws: `InputError(.mismatch)` if it is another photo, or if the inversion is that of an edit;
  ///   `CancellationError`.
  public func pasted(into photo: RGBImage) async throws -> RGBImage {
    let model = editor.model
    return try await editor.compute.run {
      try source.checkIsSource(photo, sizes: model.configuration.pictureSizes)
      let area =
        source.options.framing.fit
        ? PixelRect.fitting(source.crop, inWidth: image.width, height: image.height) : image.bounds
      return try PastedEdit(
        edited: image, reconstruction: reconstructed.picture(model), region: region(), area: area,
        crop: source.crop,
        grain: model.configuration.autoencoder.downsamplingFactor
      ).pasted(into: photo)
    }
  }

  /// The region that the masks allow to change, at the image's size; nil without masks.
  private func region() throws -> PixelMap? {
    let (height, width, _) = source.latent.shape3
    let own = try options.mask.map {
      EditMask(
        ofLatent: try $0.latentMask(height: height, width: width, inversion: source), width: image.width,
        height: image.height
      ).map
    }
    guard let found = mask?.map else { return own }
    return own.map { PixelMap.zip($0, found, *) } ?? found
  }
}

extension Inversion {
  /// Checks that an edit of this inversion can be pasted into a photo.
  ///
  /// - Throws: `InputError(.mismatch)` if the photo is not the one that was inverted, or if this is the inversion of
  ///   an edit.
  package func checkIsSource(_ photo: RGBImage, sizes: PictureSizes) throws {
    guard !isOfEdit else {
      throw InputError(
        .mismatch,
        "This is the inversion of an edit, and pasting would lose that edit. Use the inversion of the photo itself."
      )
    }
    let size = PixelSize(width: photo.width, height: photo.height)
    guard size == sourceSize else {
      throw InputError(
        .mismatch, "The inverted photo has \(sourceSize) pixels, but this one has \(size).")
    }
    let prepared = try PreparedPicture(of: photo, framing: options.framing, sizes: sizes)
    guard prepared.fingerprint == pictureFingerprint, prepared.crop == crop else {
      throw InputError(
        .mismatch,
        "This is not the photo that was inverted, or it has changed since. Use the photo that was inverted.")
    }
  }
}
