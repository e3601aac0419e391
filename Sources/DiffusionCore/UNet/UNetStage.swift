internal import Tensor

/// A stage of a UNet with its weights; see `UNetLayout.Stage`.
enum UNetStage: Sendable {
  /// A residual block, with the index of its time offset.
  case residual(ResidualBlock, time: Int)
  /// A transformer, with the index of its first block in the network.
  case transformer(SpatialTransformer, firstBlock: Int)
  case downsample(Convolution)
  case upsample(Convolution)
  case keep
  case join
}

/// The stages of a UNet, read from a checkpoint.
struct UNetStages {
  private(set) var all: [UNetStage] = []
  private(set) var residualBlocks: [ResidualBlock] = []
  private(set) var transformerBlocks: [TransformerBlock] = []

  init(_ configuration: UNetConfiguration, _ weights: WeightScope) throws {
    all = try UNetLayout(configuration).stages.map { stage in
      switch stage {
      case .keep: return .keep
      case .join: return .join
      case .downsample(let layer):
        return .downsample(
          try Convolution(weights[layer.path], inputs: layer.channels, outputs: layer.channels, stride: 2))
      case .upsample(let layer):
        return .upsample(
          try Convolution(weights[layer.path], inputs: layer.channels, outputs: layer.channels))
      case .residual(let layer):
        let block = try ResidualBlock(
          weights[layer.path], inputs: layer.inputs, outputs: layer.outputs,
          timeChannels: configuration.blockOutChannels[0] * 4, groups: configuration.normGroups,
          epsilon: Float(configuration.normEpsilon), outputScale: Float(layer.outputScale))
        residualBlocks.append(block)
        return .residual(block, time: residualBlocks.count - 1)
      case .transformer(let layer):
        let transformer = try SpatialTransformer(weights[layer.path], layer, groups: configuration.normGroups)
        transformerBlocks += transformer.blocks
        return .transformer(transformer, firstBlock: layer.firstBlock)
      }
    }
  }
}
