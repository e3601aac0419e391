internal import Tensor

/// One step of a UNet's walk over its feature maps.
///
/// Down, middle and up blocks are flattened into one list of these, so that an evaluation can stop where the text comes
/// in and go on from there.
enum UNetStage: Sendable {
  /// The block reads the time offset of its running number.
  case residual(ResidualBlock, time: Int)
  /// The number is that of its first transformer block.
  case transformer(SpatialTransformer, firstBlock: Int)
  case downsample(Convolution)
  /// Upsamples to the size of the map that is joined next.
  case upsample(Convolution)
  /// Keeps the map for the way up.
  case keep
  /// Takes the map kept last and joins its channels on.
  case join
}

/// Collects the stages of a UNet in the order of diffusers' `UNet2DConditionModel`.
struct UNetStageBuilder {
  private let configuration: UNetConfiguration
  private let weights: WeightScope
  private(set) var stages: [UNetStage] = []
  private(set) var residualBlocks: [ResidualBlock] = []
  private(set) var transformerBlocks: [TransformerBlock] = []

  init(_ configuration: UNetConfiguration, _ weights: WeightScope) throws {
    self.configuration = configuration
    self.weights = weights
    try addDownBlocks()
    try addMiddleBlock()
    try addUpBlocks()
  }

  private var timeChannels: Int { configuration.blockOutChannels[0] * 4 }

  private mutating func addDownBlocks() throws {
    stages.append(.keep)
    var channels = configuration.blockOutChannels[0]
    for (level, outputs) in configuration.blockOutChannels.enumerated() {
      let scope = weights["down_blocks"][level]
      for layer in 0..<configuration.layersPerBlock(at: level) {
        try addResidual(scope["resnets"][layer], inputs: channels, outputs: outputs)
        if configuration.downBlockHasAttention(level) {
          try addTransformer(scope["attentions"][layer], channels: outputs, level: level, place: .down)
        }
        stages.append(.keep)
        channels = outputs
      }
      if level < configuration.blockOutChannels.count - 1 {
        let convolution = try Convolution(
          scope["downsamplers.0.conv"], inputs: outputs, outputs: outputs, stride: 2,
          padding: configuration.downsamplePadding == 0 ? .init(leading: 0, trailing: 1) : .all(1))
        stages += [.downsample(convolution), .keep]
      }
    }
  }

  private mutating func addMiddleBlock() throws {
    guard configuration.hasMiddleBlock, let channels = configuration.blockOutChannels.last else { return }
    let scope = weights["mid_block"]
    let level = configuration.blockOutChannels.count - 1
    let scale = Float(configuration.midBlockScaleFactor)
    try addResidual(scope["resnets.0"], inputs: channels, outputs: channels, outputScale: scale)
    guard configuration.middleBlockHasAttention else { return }
    try addTransformer(scope["attentions.0"], channels: channels, level: level, place: .mid)
    try addResidual(scope["resnets.1"], inputs: channels, outputs: channels, outputScale: scale)
  }

  private mutating func addUpBlocks() throws {
    let levels = Array(configuration.blockOutChannels.indices.reversed())
    var channels = configuration.blockOutChannels.last ?? 0
    for (block, level) in levels.enumerated() {
      let scope = weights["up_blocks"][block]
      let outputs = configuration.blockOutChannels[level]
      let below = configuration.blockOutChannels[max(level - 1, 0)]
      let layers = configuration.layersPerBlock(at: level) + 1
      for layer in 0..<layers {
        let kept = layer == layers - 1 ? below : outputs
        stages.append(.join)
        try addResidual(scope["resnets"][layer], inputs: channels + kept, outputs: outputs)
        if configuration.upBlockHasAttention(block) {
          try addTransformer(
            scope["attentions"][layer], channels: outputs, level: level, place: .up, upBlock: block)
        }
        channels = outputs
      }
      if block < levels.count - 1 {
        stages.append(
          .upsample(try Convolution(scope["upsamplers.0.conv"], inputs: outputs, outputs: outputs)))
      }
    }
  }

  private mutating func addResidual(
    _ scope: WeightScope, inputs: Int, outputs: Int, outputScale: Float? = nil
  ) throws {
    let block = try ResidualBlock(
      scope, inputs: inputs, outputs: outputs, timeChannels: timeChannels, groups: configuration.normGroups,
      epsilon: Float(configuration.normEpsilon),
      outputScale: outputScale ?? Float(configuration.resnetOutScaleFactor))
    stages.append(.residual(block, time: residualBlocks.count))
    residualBlocks.append(block)
  }

  private mutating func addTransformer(
    _ scope: WeightScope, channels: Int, level: Int, place: AttentionSite.Place, upBlock: Int? = nil
  ) throws {
    let transformer = try SpatialTransformer(
      scope, channels: channels, heads: configuration.heads(at: level),
      depth: configuration.transformerDepth(at: level, upBlock: upBlock),
      textChannels: configuration.crossAttentionChannels(at: level), groups: configuration.normGroups,
      place: place)
    stages.append(.transformer(transformer, firstBlock: transformerBlocks.count))
    transformerBlocks += transformer.blocks
  }
}
