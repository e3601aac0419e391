public import DiffusionCore

/// The pictures of a report on an inversion, all of the same size.
public struct ReportPictures: Sendable {
  /// The photo as the model sees it.
  public var photo: RGBImage
  /// The photo encoded and decoded by the autoencoder alone.
  public var autoencoder: RGBImage
  /// The result of guided sampling with the embedding of the empty text.
  public var ddim: RGBImage
  /// The result of guided sampling with the inversion's null embeddings.
  public var reconstruction: RGBImage

  /// Creates the pictures of a report; all must have the same size.
  public init(photo: RGBImage, autoencoder: RGBImage, ddim: RGBImage, reconstruction: RGBImage) {
    self.photo = photo
    self.autoencoder = autoencoder
    self.ddim = ddim
    self.reconstruction = reconstruction
  }

  /// The pictures with the names of their files, without extensions.
  var named: [(name: String, picture: RGBImage)] {
    [("photo", photo), ("autoencoder", autoencoder), ("ddim", ddim), ("reconstruction", reconstruction)]
  }
}

extension ImageEditor {
  /// Returns the pictures of a report.
  ///
  /// - Parameters:
  ///   - inverted: The inversion.
  ///   - photo: The original picture.
  ///   - progress: Receives the progress of sampling.
  /// - Throws: `InputError(.mismatch)` if the photo differs in size from the inverted one; `CancellationError`.
  /// - Complexity: 2T forward evaluations for T steps, for the sampling without optimization.
  public func reportPictures(
    of inverted: InvertedImage, photo: RGBImage, progress: ProgressHandler? = nil
  ) async throws -> ReportPictures {
    let inversion = inverted.inversion
    guard inversion.sourceSize == PixelSize(width: photo.width, height: photo.height) else {
      throw InputError(
        .mismatch,
        "The inverted picture has \(inversion.sourceSize) pixels, but this one has \(photo.width)x\(photo.height)."
      )
    }
    let autoencoder = try await inverted.autoencoded()
    return ReportPictures(
      photo: try model.prepare(photo, framing: inversion.options.framing).image,
      autoencoder: autoencoder, ddim: try await inverted.ddimReconstruction(progress: progress),
      reconstruction: try await inverted.reconstruction())
  }
}
