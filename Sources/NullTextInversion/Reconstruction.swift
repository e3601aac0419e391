internal import DiffusionCore
internal import Tensor

/// The picture that an inversion's guided walk leads back to, decoded when it is first asked for.
final class Reconstruction: Sendable {
  private let latent: Tensor
  private let decoded = Lock<RGBImage?>(nil)

  init(of inversion: Inversion) { latent = inversion.trajectory[inversion.stepCount] }

  /// - Throws: what decoding throws.
  func picture(_ model: DiffusionModel) throws -> RGBImage {
    try decoded.withLock { decoded in
      if let picture = decoded { return picture }
      let picture = try model.decode(latent)
      decoded = picture
      return picture
    }
  }
}
