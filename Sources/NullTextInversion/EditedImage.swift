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
  let reconstructed: Reconstruction
  let editor: ImageEditor

  /// This picture as the source of further edits: its path is the source's, its prompt the caption.
  public var inverted: InvertedImage {
    var inversion = source
    inversion.caption = prompt
    inversion.options.guidance = options.guidance ?? source.guidance
    inversion.trajectory = latents
    inversion.isOfEdit = true
    // Thresholded guidance leads back to the pivots: to this picture, not to the one before.
    inversion.pivots = latents.reversed()
    return InvertedImage(editor: editor, inversion: inversion, evaluations: EvaluationCount())
  }
}

extension EditedImage {
  /// The photo that was inverted with this edit in it, at its own size.
  ///
  /// Outside of what changed the photo's bytes are untouched. The edit is confined to its masks: that of the local blend and
  /// that of the options; without one, to where it differs visibly from the reconstruction.
  ///
  /// - Parameter photo: the picture that was inverted, as it was given.
  /// - Throws: `InputError(.mismatch)` if it is another picture, or the inversion is that of an edit; `CancellationError`.
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

  /// Where the masks let the picture change, at its size; nil without any.
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
  /// Refuses a photo that an edit of this inversion cannot be laid over.
  ///
  /// - Throws: `InputError(.mismatch)` if it is another one than was inverted, or this is the inversion of an edit.
  package func checkIsSource(_ photo: RGBImage, sizes: PictureSizes) throws {
    guard !isOfEdit else {
      throw InputError(
        .mismatch,
        "The inversion is that of an edit, whose own changes would be lost. Take the inversion of the photo itself."
      )
    }
    let size = PixelSize(width: photo.width, height: photo.height)
    guard size == sourceSize else {
      throw InputError(
        .mismatch, "The photo that was inverted has \(sourceSize) pixels, and this one has \(size).")
    }
    let prepared = try PreparedPicture(of: photo, framing: options.framing, sizes: sizes)
    guard prepared.fingerprint == pictureFingerprint, prepared.crop == crop else {
      throw InputError(
        .mismatch, "This is not the photo that was inverted, or it has changed since: give the one that was.")
    }
  }
}
