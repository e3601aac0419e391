public import Tensor

/// The way between pictures and latents.
public protocol Autoencoder: AnyObject, Sendable {
  /// How many pixels a latent's pixel stands for, along each side.
  var downsampling: Int { get }

  /// The latent of a picture, scaled as the UNet reads it.
  ///
  /// - Parameter picture: height x width x 3, between -1 and 1; both sides divisible by `downsampling`.
  /// - Returns: height x width x channels, smaller by `downsampling`.
  /// - Throws: `CancellationError` between two layers if the task is cancelled.
  func encode(_ picture: Tensor) throws -> Tensor

  /// The picture of a latent.
  ///
  /// - Parameters:
  ///   - latent: height x width x channels, scaled as the UNet reads it.
  ///   - bandByteCount: about the size of the pieces in which large maps are formed, if memory is short; nil to form them
  ///     whole.
  /// - Returns: height x width x 3, about between -1 and 1.
  /// - Throws: `CancellationError` between two layers if the task is cancelled.
  func decode(_ latent: Tensor, bandByteCount: Int?) throws -> Tensor
}

/// The architecture of an autoencoder, as its `vae/config.json` says.
public enum AutoencoderConfiguration: Sendable, Equatable {
  /// Diffusers' `AutoencoderKL`.
  case kl(AutoencoderKLConfiguration)
  /// Diffusers' `AutoencoderTiny`.
  case tiny(AutoencoderTinyConfiguration)

  /// The channels of the latents.
  public var latentChannels: Int {
    switch self {
    case .kl(let configuration): configuration.latentChannels
    case .tiny(let configuration): configuration.latentChannels
    }
  }

  /// How many pixels a side of the picture has for each one of the latent.
  public var downsamplingFactor: Int {
    switch self {
    case .kl(let configuration): configuration.downsamplingFactor
    case .tiny(let configuration): configuration.downsamplingFactor
    }
  }

  /// What latents are multiplied by after the encoder, and divided by before the decoder.
  public var scalingFactor: Double {
    switch self {
    case .kl(let configuration): configuration.scalingFactor
    case .tiny(let configuration): configuration.scalingFactor
    }
  }

  /// The maps while a picture of this size is encoded, in bytes: an upper bound.
  package func encodingBytes(height: Int, width: Int) -> Int {
    switch self {
    case .kl(let configuration): configuration.encodingBytes(height: height, width: width)
    case .tiny(let configuration): configuration.mapBytes(height: height, width: width)
    }
  }

  /// The maps while a picture of this size is decoded, in bytes: an upper bound.
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

  /// Reads the keys of the class that `_class_name` names; `AutoencoderKL` if it names none.
  public init(from decoder: any Decoder) throws {
    let name = try Class(from: decoder)._class_name
    self =
      name == "AutoencoderTiny"
      ? .tiny(try AutoencoderTinyConfiguration(from: decoder))
      : .kl(try AutoencoderKLConfiguration(from: decoder))
  }
}

extension AutoencoderConfiguration: CheckpointConfiguration {
  /// Whether this library can compute an autoencoder of this architecture.
  ///
  /// - Throws: `InputError` about the first value that it cannot.
  public func validate() throws {
    switch self {
    case .kl(let configuration): try configuration.validate()
    case .tiny(let configuration): try configuration.validate()
    }
  }
}
