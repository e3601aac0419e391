internal import DiffusionCore
internal import Tensor

/// The decoded end of an inversion's guided trajectory, computed on first use and then cached.
final class Reconstruction: Sendable {
  private let latent: Tensor
  private let decoded = Lock<RGBImage?>(nil)

  init(of inversion: Inversion) { latent = inversion.trajectory[inversion.stepCount] }

  /// Returns the cached image, or decodes it.
  ///
  /// - Throws: The errors of decoding.
  func picture(_ model: DiffusionModel) throws -> RGBImage {
    try decoded.withLock { decoded in
      if let picture = decoded { return picture }
      let picture = try model.decode(latent)
      decoded = picture
      return picture
    }
  }
}
