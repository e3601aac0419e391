/// The architecture of a noise-predicting network, as its `unet/config.json` says.
///
/// Keys that a file lacks have the values that diffusers' `UNet2DConditionModel` gives them. What a file may say once
/// for all blocks is spread over them here. Lists are in the order of the down blocks unless they say otherwise.
public struct UNetConfiguration: Sendable, Equatable {
  /// The architectural class, if the file names it.
  public let className: String?

  /// The channels of the latent that goes in.
  public let inChannels: Int

  /// The channels of the prediction that comes out.
  public let outChannels: Int

  let sampleHeight: Int
  let sampleWidth: Int

  /// The names of the down blocks' classes, from the finest grid to the coarsest.
  public let downBlockTypes: [String]

  /// The name of the middle block's class; nil if there is none.
  public let midBlockType: String?

  /// The names of the up blocks' classes, from the coarsest grid to the finest.
  public let upBlockTypes: [String]

  /// The width of each down block; the up blocks have the same, in reverse.
  public let blockOutChannels: [Int]

  let layersPerBlock: [Int]
  let transformerLayersPerBlock: [Int]
  let upTransformerLayersPerBlock: [Int]
  let headCounts: [Int]
  let crossAttentionWidths: [Int]

  /// The number of groups of every group norm.
  public let normGroups: Int

  /// The epsilon of the residual blocks' group norms; the transformers' is 1e-6 always.
  public let normEpsilon: Double

  /// The activation function of the residual blocks, such as `silu`.
  public let activation: String

  /// Whether the timestep's cosines come before its sines.
  public let flipSinToCos: Bool

  /// What is taken from half the width in the exponent of the timestep's frequencies.
  public let frequencyShift: Double

  /// Whether a transformer's projections in and out are matrices instead of 1x1 convolutions.
  public let usesLinearProjection: Bool

  /// The rows and columns of zeros around the grid before a halving convolution.
  public let downsamplePadding: Int

  /// What the middle block's residual blocks divide their sums by.
  public let midBlockScaleFactor: Double

  /// What the other blocks' residual blocks divide their sums by.
  public let resnetOutScaleFactor: Double

  /// The side of the first convolution's kernel.
  public let convInKernel: Int

  /// The side of the last convolution's kernel.
  public let convOutKernel: Int

  /// What the file asks for and this library does not do, as sentences.
  let refusals: [String]
}

extension UNetConfiguration {
  /// The size of the latents that the network was trained with.
  public var sampleSize: (height: Int, width: Int) { (sampleHeight, sampleWidth) }

  /// Whether a down block has transformers.
  public func downBlockHasAttention(_ index: Int) -> Bool { downBlockTypes[index] == "CrossAttnDownBlock2D" }

  /// Whether an up block has transformers.
  public func upBlockHasAttention(_ index: Int) -> Bool { upBlockTypes[index] == "CrossAttnUpBlock2D" }

  /// Whether any block at a level has transformers, finest first.
  func hasAttention(at level: Int) -> Bool {
    let last = blockOutChannels.count - 1
    return downBlockHasAttention(level) || upBlockHasAttention(last - level)
      || (level == last && middleBlockHasAttention)
  }

  /// Whether there is a block between the way down and the way up.
  public var hasMiddleBlock: Bool { midBlockType != nil }

  /// Whether the middle block has a transformer.
  public var middleBlockHasAttention: Bool { midBlockType == "UNetMidBlock2DCrossAttn" }

  /// The number of residual blocks of the down block at a level, finest first; the up block has one more.
  public func layersPerBlock(at level: Int) -> Int { layersPerBlock[level] }

  /// The number of attention heads at a level, finest first.
  ///
  /// The files call it `attention_head_dim`, but it is the number of heads, not their width.
  public func heads(at level: Int) -> Int { headCounts[level] }

  /// The number of transformer layers in each transformer at a level, finest first.
  ///
  /// - Parameter upBlock: the number of the up block, if it is one: those may have depths of their own.
  public func transformerDepth(at level: Int, upBlock: Int? = nil) -> Int {
    upBlock.map { upTransformerLayersPerBlock[$0] } ?? transformerLayersPerBlock[level]
  }

  /// The width of the text embeddings that transformers read at a level, finest first.
  public func crossAttentionChannels(at level: Int) -> Int { crossAttentionWidths[level] }
}

extension UNetConfiguration: CheckpointConfiguration {
  /// Whether this library can compute a network of this architecture.
  ///
  /// - Throws: `InputError` about the first value that it cannot.
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
      throw InputError(.outOfRange, "norm_eps is \(normEpsilon), but should be a small positive number.")
    }
    guard midBlockScaleFactor > 0, midBlockScaleFactor.isFinite else {
      throw InputError(
        .outOfRange, "mid_block_scale_factor is \(midBlockScaleFactor), but should be positive.")
    }
    guard frequencyShift.isFinite, frequencyShift < Double(blockOutChannels[0] / 2) else {
      throw InputError(
        .outOfRange, "freq_shift is \(frequencyShift), too much for the width of the first block.")
    }
    for (key, size) in [("conv_in_kernel", convInKernel), ("conv_out_kernel", convOutKernel)]
    where size != 1 && size != 3 {
      throw InputError(.unsupported, "\(key) is \(size); only 1 and 3 are supported.")
    }
  }
}
