/// The architecture of an `AutoencoderTiny`, from its `vae/config.json`.
///
/// Missing keys have the defaults of diffusers. The latents equal the scaled latents of the same UNet's
/// `AutoencoderKL`, so the default scaling factor is 1.
public struct AutoencoderTinyConfiguration: Sendable, Equatable {
  /// The number of channels of the latents.
  public let latentChannels: Int
  /// The width of each encoder stage, finest level first.
  public let encoderWidths: [Int]
  /// The number of residual blocks per encoder stage.
  public let encoderBlocks: [Int]
  /// The width of each decoder stage, coarsest level first.
  public let decoderWidths: [Int]
  /// The number of residual blocks per decoder stage.
  public let decoderBlocks: [Int]
  /// The factor that multiplies latents after the encoder and divides them before the decoder.
  public let scalingFactor: Double

  private let inChannels: Int
  private let outChannels: Int
  private let activation: String
  private let upsampling: String
  private let upsamplingFactor: Int

  /// The number of pixels per latent pixel along each side.
  public var downsamplingFactor: Int { 1 << max(0, min(encoderBlocks.count, 32) - 1) }

  /// Returns the memory of the maps at the picture's size, in bytes; an upper bound.
  func mapBytes(height: Int, width: Int) -> Int {
    let channels = max(encoderWidths.max() ?? 0, decoderWidths.max() ?? 0)
    return 5 * DiffusionCore.mapBytes(height * width, channels)
  }
}

extension AutoencoderTinyConfiguration: Decodable {
  private enum Key: String, CodingKey {
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case latentChannels = "latent_channels"
    case encoderWidths = "encoder_block_out_channels"
    case encoderBlocks = "num_encoder_blocks"
    case decoderWidths = "decoder_block_out_channels"
    case decoderBlocks = "num_decoder_blocks"
    case scalingFactor = "scaling_factor"
    case activation = "act_fn"
    case upsampling = "upsample_fn"
    case upsamplingFactor = "upsampling_scaling_factor"
  }

  /// Decodes the keys of diffusers' `AutoencoderTiny`; other keys are ignored.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func value<T: Decodable>(_ key: Key, _ absent: T) throws -> T {
      try container.decodeIfPresent(T.self, forKey: key) ?? absent
    }
    inChannels = try value(.inChannels, 3)
    outChannels = try value(.outChannels, 3)
    latentChannels = try value(.latentChannels, 4)
    encoderWidths = try value(.encoderWidths, [64, 64, 64, 64])
    encoderBlocks = try value(.encoderBlocks, [1, 3, 3, 3])
    decoderWidths = try value(.decoderWidths, [64, 64, 64, 64])
    decoderBlocks = try value(.decoderBlocks, [3, 3, 3, 1])
    scalingFactor = try value(.scalingFactor, 1)
    activation = try value(.activation, "relu")
    upsampling = try value(.upsampling, "nearest")
    upsamplingFactor = try value(.upsamplingFactor, 2)
  }
}

extension AutoencoderTinyConfiguration: CheckpointConfiguration {
  /// Checks that this library supports this architecture.
  ///
  /// - Throws: `InputError` about the first unsupported value.
  public func validate() throws {
    try ConfigurationCheck.isOne(of: ["relu"], "act_fn", activation)
    try ConfigurationCheck.isOne(of: ["nearest"], "upsample_fn", upsampling)
    guard upsamplingFactor == 2, inChannels == 3, outChannels == 3 else {
      throw InputError(
        .unsupported,
        "upsampling_scaling_factor is \(upsamplingFactor), in_channels is \(inChannels) and out_channels is \(outChannels). Only "
          + "2, 3 and 3 are supported.")
    }
    let count = encoderBlocks.count
    guard (1...8).contains(count) else {
      throw InputError(
        .outOfRange, "num_encoder_blocks has \(count) values, but must have between 1 and 8.")
    }
    try ConfigurationCheck.has(count, "num_decoder_blocks", decoderBlocks)
    try ConfigurationCheck.has(count, "encoder_block_out_channels", encoderWidths)
    try ConfigurationCheck.has(count, "decoder_block_out_channels", decoderWidths)
    try ConfigurationCheck.isPositive("latent_channels", latentChannels)
    try ConfigurationCheck.isPositive("num_encoder_blocks", encoderBlocks)
    try ConfigurationCheck.isPositive("num_decoder_blocks", decoderBlocks)
    for (key, widths) in [
      ("encoder_block_out_channels", encoderWidths), ("decoder_block_out_channels", decoderWidths),
    ] {
      try ConfigurationCheck.isPositive(key, widths)
      guard widths.allSatisfy({ $0 == widths[0] }) else {
        throw InputError(.unsupported, "\(key) is \(widths). Only stages of equal width are supported.")
      }
    }
    guard scalingFactor > 0, scalingFactor.isFinite else {
      throw InputError(.outOfRange, "scaling_factor is \(scalingFactor), but must be positive.")
    }
  }
}
