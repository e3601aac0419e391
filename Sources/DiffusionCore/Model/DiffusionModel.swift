internal import Foundation
public import Tensor

/// A latent diffusion model with all of its parts, read from a checkpoint.
public final class DiffusionModel: Sendable {
  /// Where the checkpoint is.
  public let checkpoint: CheckpointFolder
  /// From text to tokens.
  public let tokenizer: CLIPTokenizer
  /// From tokens to the embedding that the UNet reads.
  public let textEncoder: CLIPTextEncoder
  /// Predicts the noise in a latent.
  public let unet: UNet
  /// Between pictures and latents.
  public let autoencoder: AutoencoderKL
  /// The noise levels of the training.
  public let schedule: NoiseSchedule
  /// Identifies the weights.
  public let fingerprint: String

  /// Reads a model.
  ///
  /// - Throws: `InputError` if a part is missing, damaged, or of a kind that is not supported; or if the installed BLAS
  ///   computes wrongly on this processor.
  public init(_ source: ModelSource) throws {
    guard BLAS.isSound else { throw InputError(.unsupported, BLAS.unsoundMessage) }
    checkpoint = try CheckpointFolder(source.folder())
    schedule = try NoiseSchedule(checkpoint.configuration(of: .scheduler))
    tokenizer = try CLIPTokenizer(checkpoint)
    textEncoder = try CLIPTextEncoder(
      checkpoint.configuration(of: .textEncoder), weights: checkpoint.weights(of: .textEncoder))
    let configuration: UNetConfiguration = try checkpoint.configuration(of: .unet)
    unet = try UNet(configuration, weights: checkpoint.weights(of: .unet))
    autoencoder = try AutoencoderKL(checkpoint.configuration(of: .vae), weights: checkpoint.weights(of: .vae))
    fingerprint = try checkpoint.modelFingerprint()
    guard unet.configuration.inChannels == autoencoder.configuration.latentChannels else {
      throw InputError(
        .mismatch,
        "The UNet of \(checkpoint.url.path) reads \(unet.configuration.inChannels) channels, but its autoencoder makes "
          + "\(autoencoder.configuration.latentChannels); inpainting models are not supported.")
    }
  }

  /// Width and height of the pictures that the model was trained on.
  public var pictureSize: PixelSize {
    let (height, width) = unet.configuration.sampleSize
    return PixelSize(width: width * autoencoder.downsampling, height: height * autoencoder.downsampling)
  }

  /// What the UNet reads of a text: tokens x channels.
  ///
  /// - Throws: `InputError` if the text has more tokens than the encoder reads.
  public func embedding(of text: String) throws -> Tensor { try textEncoder(tokenizer.paddedIDs(of: text)) }

  /// The latent of a picture of the model's size: height x width x channels, scaled.
  ///
  /// - Throws: `CancellationError`.
  public func encode(_ picture: RGBImage) throws -> Tensor { try autoencoder.encode(picture.tensor) }

  /// The picture of a latent.
  ///
  /// - Throws: `CancellationError`.
  public func decode(_ latent: Tensor) throws -> RGBImage { RGBImage(try autoencoder.decode(latent)) }
}

/// A picture brought to the size that a model works at.
public struct PreparedPicture: Sendable {
  /// The picture as the model sees it.
  public let image: RGBImage
  /// The size of the picture that was given.
  public let sourceSize: PixelSize
  /// The part of that picture which `image` shows.
  public let crop: PixelRect

  package init(image: RGBImage, sourceSize: PixelSize, crop: PixelRect) {
    self.image = image
    self.sourceSize = sourceSize
    self.crop = crop
  }
}

extension DiffusionModel {
  /// Brings a picture to the model's size: the middle of its longer side, resampled.
  ///
  /// - Throws: `InputError` if the picture has fewer than 16 pixels a side.
  public func prepare(_ picture: RGBImage) throws -> PreparedPicture {
    let size = pictureSize
    let (image, crop) = try picture.prepared(width: size.width, height: size.height)
    return PreparedPicture(
      image: image, sourceSize: PixelSize(width: picture.width, height: picture.height), crop: crop)
  }
}
