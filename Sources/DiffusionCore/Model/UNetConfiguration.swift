/// The architecture of a UNet, from its `unet/config.json`.
///
/// Missing keys have the defaults of diffusers' `UNet2DConditionModel`. Values that a file may give once for all
/// blocks are repeated per block here. Lists are in the order of the down blocks unless stated otherwise.
public struct UNetConfiguration: Sendable, Equatable {
  /// The class of the network, if the file names it.
  public let className: String?

  /// The number of input channels.
  public let inChannels: Int

  /// The number of channels of the prediction.
  public let outChannels: Int

  let sampleHeight: Int
  let sampleWidth: Int

  /// The class names of the down blocks, finest level first.
  public let downBlockTypes: [String]

  /// The class name of the middle block, or nil if there is none.
  public let midBlockType: String?

  /// The class names of the up blocks, coarsest level first.
  public let upBlockTypes: [String]

  /// The width of each down block; the up blocks have the same widths in reverse order.
  public let blockOutChannels: [Int]

  let layersPerBlock: [Int]
  let transformerLayersPerBlock: [Int]
  let upTransformerLayersPerBlock: [Int]
  let headCounts: [Int]
  let crossAttentionWidths: [Int]

  /// The number of groups of every group norm.
  public let normGroups: Int

  /// The epsilon of the residual blocks' group norms; that of the transformers is always 1e-6.
  public let normEpsilon: Double

  /// The activation function of the residual blocks, such as `silu`.
  public let activation: String

  /// Whether cosines come before sines in the timestep embedding.
  public let flipSinToCos: Bool

  /// The shift subtracted from half the width in the exponent of the timestep's frequencies.
  public let frequencyShift: Double

  /// Whether the input and output projections of transformers are matrices instead of 1x1 convolutions.
  public let usesLinearProjection: Bool

  /// The zero padding of downsampling convolutions, in pixels.
  public let downsamplePadding: Int

  /// The divisor of the middle residual blocks' sums.
  public let midBlockScaleFactor: Double

  /// The divisor of the other residual blocks' sums.
  public let resnetOutScaleFactor: Double

  /// The side of the first convolution's kernel.
  public let convInKernel: Int

  /// The side of the last convolution's kernel.
  public let convOutKernel: Int

  /// The unsupported features that the file needs, as sentences.
  let refusals: [String]
}

extension UNetConfiguration {
  /// The size of the latents that the network was trained with, in rows and columns.
  public var sampleSize: (height: Int, width: Int) { (sampleHeight, sampleWidth) }

  /// Returns whether a down block has transformers.
  public func downBlockHasAttention(_ index: Int) -> Bool { downBlockTypes[index] == "CrossAttnDownBlock2D" }

  /// Returns whether an up block has transformers.
  public func upBlockHasAttention(_ index: Int) -> Bool { upBlockTypes[index] == "CrossAttnUpBlock2D" }

  /// Returns whether any block at a level has transformers; level 0 is the finest.
  func hasAttention(at level: Int) -> Bool {
    let last = blockOutChannels.count - 1
    return downBlockHasAttention(level) || upBlockHasAttention(last - level)
      || (level == last && middleBlockHasAttention)
  }

  /// Whether there is a middle block.
  public var hasMiddleBlock: Bool { midBlockType != nil }

  /// Whether the middle block has a transformer.
  public var middleBlockHasAttention: Bool { midBlockType == "UNetMidBlock2DCrossAttn" }

  /// Returns the number of residual blocks of the down block at a level, finest first; the up block has one more.
  public func layersPerBlock(at level: Int) -> Int { layersPerBlock[level] }

  /// Returns the number of attention heads at a level, finest first.
  ///
  /// The files call this number `attention_head_dim`, although it is not the width of a head.
  public func heads(at level: Int) -> Int { headCounts[level] }

  /// Returns the number of layers in each transformer at a level, finest first.
  ///
  /// - Parameters:
  ///   - level: The level.
  ///   - upBlock: The index of the up block, or nil for the down block; up blocks may have other depths.
  public func transformerDepth(at level: Int, upBlock: Int? = nil) -> Int {
    upBlock.map { upTransformerLayersPerBlock[$0] } ?? transformerLayersPerBlock[level]
  }

  /// Returns the width of the text embeddings that transformers read at a level, finest first.
  public func crossAttentionChannels(at level: Int) -> Int { crossAttentionWidths[level] }
}

extension UNetConfiguration: CheckpointConfiguration {
  /// Checks that this library supports this architecture.
  ///
  /// - Throws: `InputError` about the first unsupported value.
  public func validate() throws {
    try ConfigurationCheck.isOne(
      of: ["UNet2DConditionModel"], "_class_name", className ?? "UNet2DConditionModel")
    if let refusal = refusals.first { throw InputError(.unsupported, refusal) }
    for type in downBlockTypes {
      try ConfigurationCheck.isOne(of: ["CrossAttnDownBlock2D", "DownBlock2D"], "down_block_types", type)
    }
    for type in upBlockTypes {
      try ConfigurationCheck.isOne(of: ["CrossAttnUpBlock2D", "UpBlock2D"], "up_block_types", type)
    }
    if let midBlockType {
      try ConfigurationCheck.isOne(
        of: ["UNetMidBlock2DCrossAttn", "UNetMidBlock2D"], "mid_block_type", midBlockType)
    }
    try ConfigurationCheck.isOne(of: ["silu", "swish"], "act_fn", activation)

    let count = downBlockTypes.count
    try ConfigurationCheck.isPositive("The number of down_block_types", count)
    try ConfigurationCheck.has(count, "up_block_types", upBlockTypes)
    try ConfigurationCheck.has(count, "block_out_channels", blockOutChannels)
    try ConfigurationCheck.has(count, "layers_per_block", layersPerBlock)
    try ConfigurationCheck.has(count, "transformer_layers_per_block", transformerLayersPerBlock)
    try ConfigurationCheck.has(count, "reverse_transformer_layers_per_block", upTransformerLayersPerBlock)
    try ConfigurationCheck.has(count, "attention_head_dim", headCounts)
    try ConfigurationCheck.has(count, "cross_attention_dim", crossAttentionWidths)

    try ConfigurationCheck.isPositive("in_channels", inChannels)
    try ConfigurationCheck.isPositive("out_channels", outChannels)
    try ConfigurationCheck.isPositive("sample_size", sampleHeight, sampleWidth)
    try ConfigurationCheck.isPositive("block_out_channels", blockOutChannels)
    try ConfigurationCheck.isPositive("layers_per_block", layersPerBlock)
    try ConfigurationCheck.isPositive("transformer_layers_per_block", transformerLayersPerBlock)
    try ConfigurationCheck.isPositive("reverse_transformer_layers_per_block", upTransformerLayersPerBlock)
    try ConfigurationCheck.isPositive("attention_head_dim", headCounts)
    try ConfigurationCheck.isPositive("cross_attention_dim", crossAttentionWidths)
    try ConfigurationCheck.isPositive("norm_num_groups", normGroups)
    for channels in blockOutChannels {
      try ConfigurationCheck.divides("norm_num_groups", normGroups, "block_out_channels", channels)
    }
    try ConfigurationCheck.divides("two", 2, "The first of block_out_channels,", blockOutChannels[0])
    for (index, heads) in headCounts.enumerated() where hasAttention(at: index) {
      try ConfigurationCheck.divides(
        "attention_head_dim", heads, "block_out_channels", blockOutChannels[index])
    }
    guard normEpsilon > 0, normEpsilon < 1 else {
      throw InputError(.outOfRange, "norm_eps is \(normEpsilon), but must be greater than 0 and less than 1.")
    }
    guard midBlockScaleFactor > 0, midBlockScaleFactor.isFinite else {
      throw InputError(
        .outOfRange, "mid_block_scale_factor is \(midBlockScaleFactor), but must be positive.")
    }
    guard frequencyShift.isFinite, frequencyShift < Double(blockOutChannels[0] / 2) else {
      throw InputError(
        .outOfRange, "freq_shift is \(frequencyShift), which is too large for the width of the first block.")
    }
    for (key, size) in [("conv_in_kernel", convInKernel), ("conv_out_kernel", convOutKernel)]
    where size != 1 && size != 3 {
      throw InputError(.unsupported, "\(key) is \(size). Only 1 and 3 are supported.")
    }
  }
}
