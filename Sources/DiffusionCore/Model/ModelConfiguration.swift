internal import Foundation

/// What a checkpoint says of the networks of a model.
public struct ModelConfiguration: Sendable, Equatable {
  /// From tokens to the embedding that the UNet reads.
  public let textEncoder: TextEncoderConfiguration
  /// Predicts the noise in a latent.
  public let unet: UNetConfiguration
  /// Between pictures and latents.
  public let autoencoder: AutoencoderConfiguration

  /// Reads the configurations of a checkpoint.
  ///
  /// - Throws: `InputError` if one is missing, damaged or of a kind that is not supported, or if the networks do not fit
  ///   each other.
  public init(_ checkpoint: Checkpoint) throws {
    textEncoder = try checkpoint.configuration(of: .textEncoder)
    unet = try checkpoint.configuration(of: .unet)
    autoencoder = try checkpoint.configuration(of: .vae)
    try checkFit(checkpoint.url.path)
  }

  /// Width and height of the pictures that the model was trained on.
  public var pictureSize: PixelSize {
    let factor = autoencoder.downsamplingFactor
    return PixelSize(width: unet.sampleSize.width * factor, height: unet.sampleSize.height * factor)
  }

  /// Whether the UNet reads a mask and the masked picture's latent beside the latent.
  public var isForInpainting: Bool { unet.inChannels == 2 * autoencoder.latentChannels + 1 }
  /// Of what the sides of pictures of other sizes are multiples, in pixels: the autoencoder's factor times two for each
  /// halving of the UNet.
  public var sizeUnit: Int {
    autoencoder.downsamplingFactor << (unet.blockOutChannels.count - 1)
  }

  /// Rows and columns of the latent of a picture.
  package func latentSize(of picture: PixelSize) -> (height: Int, width: Int) {
    let factor = autoencoder.downsamplingFactor
    return (picture.height / factor, picture.width / factor)
  }

  private func checkFit(_ path: String) throws {
    guard unet.inChannels == autoencoder.latentChannels || isForInpainting else {
      let hint =
        unet.inChannels == 2 * autoencoder.latentChannels
        ? "; models that follow instructions (instruct-pix2pix) are not supported" : ""
      throw InputError(
        .mismatch,
        "The UNet of \(path) reads \(unet.inChannels) channels, but its autoencoder makes "
          + "\(autoencoder.latentChannels)\(hint).")
    }
    guard unet.outChannels == autoencoder.latentChannels else {
      throw InputError(
        .mismatch,
        "The UNet of \(path) predicts \(unet.outChannels) channels, but its autoencoder reads "
          + "\(autoencoder.latentChannels); models that predict a variance too are not supported.")
    }
    for case .transformer(let transformer) in UNetLayout(unet).stages
    where transformer.textChannels != textEncoder.hiddenSize {
      throw InputError(
        .mismatch,
        "The UNet of \(path) reads embeddings of \(transformer.textChannels) channels (cross_attention_dim), but its "
          + "text encoder makes \(textEncoder.hiddenSize) (hidden_size); the two do not belong together.")
    }
  }
}
