public import DiffusionCore

/// The pictures that a report on an inversion shows, all of one size.
public struct ReportPictures: Sendable {
  /// The photo as the model sees it.
  public var photo: RGBImage
  /// The photo as the autoencoder alone gives it back.
  public var autoencoder: RGBImage
  /// What the guided walk leads to with the embedding of the empty text.
  public var ddim: RGBImage
  /// What the guided walk leads to with the inversion's null embeddings.
  public var reconstruction: RGBImage

  /// Four pictures of one size.
  public init(photo: RGBImage, autoencoder: RGBImage, ddim: RGBImage, reconstruction: RGBImage) {
    self.photo = photo
    self.autoencoder = autoencoder
    self.ddim = ddim
    self.reconstruction = reconstruction
  }

  /// The pictures with the names of their files.
  var named: [(name: String, picture: RGBImage)] {
    [("photo", photo), ("autoencoder", autoencoder), ("ddim", ddim), ("reconstruction", reconstruction)]
  }
}

extension ImageEditor {
  /// The pictures of a report, at the cost of the 2T evaluations of a walk without optimisation.
  ///
  /// - Parameter photo: the picture that was inverted, as it was given.
  /// - Throws: `InputError(.mismatch)` if the photo is of another size than the one that was inverted;
  ///   `CancellationError`.
  public func reportPictures(
    of inverted: InvertedImage, photo: RGBImage, progress: ProgressHandler? = nil
  ) async throws -> ReportPictures {
    let inversion = inverted.inversion
    guard inversion.sourceSize == PixelSize(width: photo.width, height: photo.height) else {
      throw InputError(
        .mismatch,
        "A picture of \(inversion.sourceSize) was inverted, but this one is of \(photo.width)x\(photo.height)."
      )
    }
    let autoencoder = try await inverted.autoencoded()
    return ReportPictures(
      photo: try model.prepare(photo, framing: inversion.options.framing).image,
      autoencoder: autoencoder, ddim: try await inverted.ddimReconstruction(progress: progress),
      reconstruction: try await inverted.reconstruction())
  }
}
