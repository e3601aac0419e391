/// The architecture of an `AutoencoderKL`, from its `vae/config.json`.
///
/// Missing keys have the defaults of diffusers' `AutoencoderKL`.
public struct AutoencoderKLConfiguration: Sendable, Equatable {
  /// The class of the network, if the file names it.
  public let className: String?

  /// The number of channels of input pictures.
  public let inChannels: Int

  /// The number of channels of output pictures.
  public let outChannels: Int

  /// The number of channels of the latents.
  public let latentChannels: Int

  /// The class names of the encoder blocks, finest level first.
  public let downBlockTypes: [String]

  /// The class names of the decoder blocks, coarsest level first.
  public let upBlockTypes: [String]

  /// The width of each encoder block; the decoder blocks have the same widths in reverse order.
  public let blockOutChannels: [Int]

  /// The number of residual blocks per encoder block; decoder blocks have one more.
  public let layersPerBlock: Int

  /// The number of groups of every group norm.
  public let normGroups: Int

  /// The activation function, such as `silu`.
  public let activation: String

  /// The factor that multiplies latents after the encoder, so that their variance is about 1, and divides them before
  /// the decoder.
  public let scalingFactor: Double

  /// Whether a 1x1 convolution follows the encoder.
  public let usesQuantConvolution: Bool

  /// Whether a 1x1 convolution precedes the decoder.
  public let usesPostQuantConvolution: Bool

  /// Whether the middle blocks have an attention.
  public let middleBlockHasAttention: Bool

  /// Whether the latents are shifted or normalized per channel, as in other families of models.
  let shiftsLatents: Bool

  /// The number of pixels per latent pixel along each side.
  public var downsamplingFactor: Int { 1 << max(0, blockOutChannels.count - 1) }
}

extension AutoencoderKLConfiguration: Decodable {
  private enum Key: String, CodingKey {
    case className = "_class_name"
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case latentChannels = "latent_channels"
    case downBlockTypes = "down_block_types"
    case upBlockTypes = "up_block_types"
    case blockOutChannels = "block_out_channels"
    case layersPerBlock = "layers_per_block"
    case normNumGroups = "norm_num_groups"
    case actFn = "act_fn"
    case scalingFactor = "scaling_factor"
    case shiftFactor = "shift_factor"
    case latentsMean = "latents_mean"
    case latentsStd = "latents_std"
    case useQuantConv = "use_quant_conv"
    case usePostQuantConv = "use_post_quant_conv"
    case midBlockAddAttention = "mid_block_add_attention"
  }

  /// Decodes the keys of diffusers' `AutoencoderKL`; other keys are ignored.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func value<T: Decodable>(_ key: Key, _ absent: T) throws -> T {
      try container.decodeIfPresent(T.self, forKey: key) ?? absent
    }
    className = try container.decodeIfPresent(String.self, forKey: .className)
    inChannels = try value(.inChannels, 3)
    outChannels = try value(.outChannels, 3)
    latentChannels = try value(.latentChannels, 4)
    downBlockTypes = try value(.downBlockTypes, ["DownEncoderBlock2D"])
    upBlockTypes = try value(.upBlockTypes, ["UpDecoderBlock2D"])
    blockOutChannels = try value(.blockOutChannels, [64])
    layersPerBlock = try value(.layersPerBlock, 1)
    normGroups = try value(.normNumGroups, 32)
    activation = try value(.actFn, "silu")
    scalingFactor = try value(.scalingFactor, 0.18215)
    usesQuantConvolution = try value(.useQuantConv, true)
    usesPostQuantConvolution = try value(.usePostQuantConv, true)
    middleBlockHasAttention = try value(.midBlockAddAttention, true)
    shiftsLatents = try [Key.shiftFactor, .latentsMean, .latentsStd].contains {
      try container.contains($0) && !container.decodeNil(forKey: $0)
    }
  }
}

extension AutoencoderKLConfiguration: CheckpointConfiguration {
  /// Checks that this library supports this architecture.
  ///
  /// - Throws: `InputError` about the first unsupported value.
  public func validate() throws {
    try ConfigurationCheck.isOne(of: ["AutoencoderKL"], "_class_name", className ?? "AutoencoderKL")
    for type in downBlockTypes {
      try ConfigurationCheck.isOne(of: ["DownEncoderBlock2D"], "down_block_types", type)
    }
    for type in upBlockTypes {
      try ConfigurationCheck.isOne(of: ["UpDecoderBlock2D"], "up_block_types", type)
    }
    try ConfigurationCheck.isOne(of: ["silu", "swish"], "act_fn", activation)
    guard !shiftsLatents else {
      throw InputError(
        .unsupported,
        "shift_factor, latents_mean or latents_std is set. Such latents are not Stable Diffusion's "
          + "and are not supported.")
    }
    let count = downBlockTypes.count
    guard (1...8).contains(count) else {
      throw InputError(.outOfRange, "down_block_types has \(count) values, but must have between 1 and 8.")
    }
    try ConfigurationCheck.has(count, "up_block_types", upBlockTypes)
    try ConfigurationCheck.has(count, "block_out_channels", blockOutChannels)
    guard inChannels == 3, outChannels == 3 else {
      throw InputError(
        .unsupported,
        "in_channels is \(inChannels) and out_channels is \(outChannels). Only pictures with three "
          + "channels are supported.")
    }
    try ConfigurationCheck.isPositive("latent_channels", latentChannels)
    try ConfigurationCheck.isPositive("block_out_channels", blockOutChannels)
    try ConfigurationCheck.isPositive("layers_per_block", layersPerBlock)
    try ConfigurationCheck.isPositive("norm_num_groups", normGroups)
    for channels in blockOutChannels {
      try ConfigurationCheck.divides("norm_num_groups", normGroups, "block_out_channels", channels)
    }
    guard scalingFactor > 0, scalingFactor.isFinite else {
      throw InputError(.outOfRange, "scaling_factor is \(scalingFactor), but must be positive.")
    }
  }
}
