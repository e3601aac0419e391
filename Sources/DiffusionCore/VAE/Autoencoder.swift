public import Tensor

/// A network that encodes pictures as latents and decodes them.
public protocol Autoencoder: AnyObject, Sendable {
  /// The number of pixels per latent pixel along each side.
  var downsampling: Int { get }

  /// Returns the latent of a picture, scaled for the UNet.
  ///
  /// - Parameter picture: Height x width x 3, between -1 and 1; both sides divisible by `downsampling`.
  /// - Returns: Height x width x channels, with sides divided by `downsampling`.
  /// - Throws: `CancellationError` between two layers if the task is cancelled.
  func encode(_ picture: Tensor) throws -> Tensor

  /// Returns the picture of a latent.
  ///
  /// - Parameters:
  ///   - latent: Height x width x channels, scaled for the UNet.
  ///   - bandByteCount: The approximate size of the bands in which large maps are computed to save memory; nil for
  ///     whole maps.
  /// - Returns: Height x width x 3, between about -1 and 1.
  /// - Throws: `CancellationError` between two layers if the task is cancelled.
  func decode(_ latent: Tensor, bandByteCount: Int?) throws -> Tensor
}

/// The architecture of an autoencoder, from its `vae/config.json`.
public enum AutoencoderConfiguration: Sendable, Equatable {
  /// `AutoencoderKL` of diffusers.
  case kl(AutoencoderKLConfiguration)
  /// `AutoencoderTiny` of diffusers.
  case tiny(AutoencoderTinyConfiguration)

  /// The number of channels of the latents.
  public var latentChannels: Int {
    switch self {
    case .kl(let configuration): configuration.latentChannels
    case .tiny(let configuration): configuration.latentChannels
    }
  }

  /// The number of pixels per latent pixel along each side.
  public var downsamplingFactor: Int {
    switch self {
    case .kl(let configuration): configuration.downsamplingFactor
    case .tiny(let configuration): configuration.downsamplingFactor
    }
  }

  /// The factor that multiplies latents after the encoder and divides them before the decoder.
  public var scalingFactor: Double {
    switch self {
    case .kl(let configuration): configuration.scalingFactor
    case .tiny(let configuration): configuration.scalingFactor
    }
  }

  /// Returns the memory of the maps when encoding a picture of this size, in bytes; an upper bound.
  package func encodingBytes(height: Int, width: Int) -> Int {
    switch self {
    case .kl(let configuration): configuration.encodingBytes(height: height, width: width)
    case .tiny(let configuration): configuration.mapBytes(height: height, width: width)
    }
  }

  /// Returns the memory of the maps when decoding a picture of this size, in bytes; an upper bound.
  package func decodingBytes(height: Int, width: Int, bandByteCount: Int?) -> Int {
    switch self {
    case .kl(let configuration):
      configuration.decodingBytes(height: height, width: width, bandByteCount: bandByteCount)
    case .tiny(let configuration): configuration.mapBytes(height: height, width: width)
    }
  }
}

extension AutoencoderConfiguration: Decodable {
  private struct Class: Decodable { let _class_name: String? }

  /// Decodes the keys of the class in `_class_name`, or of `AutoencoderKL` if it is missing.
  public init(from decoder: any Decoder) throws {
    let name = try Class(from: decoder)._class_name
    self =
      name == "AutoencoderTiny"
      ? .tiny(try AutoencoderTinyConfiguration(from: decoder))
      : .kl(try AutoencoderKLConfiguration(from: decoder))
  }
}

extension AutoencoderConfiguration: CheckpointConfiguration {
  /// Checks that this library supports this architecture.
  ///
  /// - Throws: `InputError` about the first unsupported value.
  public func validate() throws {
    switch self {
    case .kl(let configuration): try configuration.validate()
    case .tiny(let configuration): try configuration.validate()
    }
  }
}
