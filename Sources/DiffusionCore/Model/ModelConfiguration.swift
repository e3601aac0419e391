internal import Foundation

/// The configurations of a model's networks.
public struct ModelConfiguration: Sendable, Equatable {
  /// The configuration of the text encoder.
  public let textEncoder: TextEncoderConfiguration
  /// The configuration of the UNet.
  public let unet: UNetConfiguration
  /// The configuration of the autoencoder.
  public let autoencoder: AutoencoderConfiguration

  /// Reads the configurations of a checkpoint.
  ///
  /// - Throws: `InputError` if one is missing, damaged or of an unsupported kind, or if the networks do not fit
  ///   together.
  public init(_ checkpoint: Checkpoint) throws {
    textEncoder = try checkpoint.configuration(of: .textEncoder)
    unet = try checkpoint.configuration(of: .unet)
    autoencoder = try checkpoint.configuration(of: .vae)
    try checkFit(checkpoint.url.path)
  }

  /// The width and height of the pictures the model was trained on.
  public var pictureSize: PixelSize {
    let factor = autoencoder.downsamplingFactor
    return PixelSize(width: unet.sampleSize.width * factor, height: unet.sampleSize.height * factor)
  }

  /// Whether the UNet has extra input channels for a mask and the masked picture's latent.
  public var isForInpainting: Bool { unet.inChannels == 2 * autoencoder.latentChannels + 1 }

  /// The unit of picture sides, in pixels, for sizes other than the model's own.
  ///
  /// It is the autoencoder's downsampling factor times two for each downsampling in the UNet.
  public var sizeUnit: Int {
    autoencoder.downsamplingFactor << (unet.blockOutChannels.count - 1)
  }

  /// Returns the rows and columns of a picture's latent.
  package func latentSize(of picture: PixelSize) -> (height: Int, width: Int) {
    let factor = autoencoder.downsamplingFactor
    return (picture.height / factor, picture.width / factor)
  }

  private func checkFit(_ path: String) throws {
    guard unet.inChannels == autoencoder.latentChannels || isForInpainting else {
      let hint =
        unet.inChannels == 2 * autoencoder.latentChannels
        ? ". Models that follow instructions (instruct-pix2pix) are not supported" : ""
      throw InputError(
        .mismatch,
        "The UNet of \(path) has \(unet.inChannels) input channels, but the latents of its autoencoder have "
          + "\(autoencoder.latentChannels)\(hint).")
    }
    guard unet.outChannels == autoencoder.latentChannels else {
      throw InputError(
        .mismatch,
        "The UNet of \(path) predicts \(unet.outChannels) channels, but its autoencoder reads "
          + "\(autoencoder.latentChannels). Models that also predict a variance are not supported.")
    }
    for case .transformer(let transformer) in UNetLayout(unet).stages
    where transformer.textChannels != textEncoder.hiddenSize {
      throw InputError(
        .mismatch,
        "The UNet of \(path) reads embeddings of \(transformer.textChannels) channels (cross_attention_dim), but its "
          + "text encoder computes \(textEncoder.hiddenSize) (hidden_size). The two do not belong together.")
    }
  }
}
