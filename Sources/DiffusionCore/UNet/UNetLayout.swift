/// The stages of a UNet in the order of an evaluation, as in diffusers' `UNet2DConditionModel`.
///
/// The layout follows from the configuration alone. Down, middle and up blocks are flattened into one list of stages,
/// so that an evaluation can stop before the first cross-attention and continue from there.
struct UNetLayout {
  /// One stage, which transforms feature maps.
  enum Stage {
    case residual(Residual)
    case transformer(Transformer)
    /// Halves the sides of the map, rounded up.
    case downsample(Resampling)
    /// Upsamples to the size of the map that is concatenated next.
    case upsample(Resampling)
    /// Keeps the map for a skip connection.
    case keep
    /// Concatenates the channels of the map that was kept last.
    case join
  }

  /// A residual block.
  struct Residual {
    /// The scope of its weights.
    let path: String
    let inputs: Int
    let outputs: Int
    /// The divisor of the sum.
    let outputScale: Double
  }

  /// A transformer over the pixels of a map.
  struct Transformer {
    /// The scope of its weights.
    let path: String
    let channels: Int
    let heads: Int
    /// The number of its blocks.
    let depth: Int
    let textChannels: Int
    let place: AttentionSite.Place
    /// The index of its first block in the network.
    let firstBlock: Int
    /// The size of its map at the model's own size.
    let nominal: Grid
  }

  /// A convolution that changes the size of the map.
  struct Resampling {
    /// The scope of its weights.
    let path: String
    let channels: Int
  }

  private let configuration: UNetConfiguration
  private(set) var stages: [Stage] = []
  private var blockCount = 0

  init(_ configuration: UNetConfiguration) {
    self.configuration = configuration
    addDownBlocks()
    addMiddleBlock()
    addUpBlocks()
  }

  private mutating func addDownBlocks() {
    stages.append(.keep)
    var channels = configuration.blockOutChannels[0]
    for (level, outputs) in configuration.blockOutChannels.enumerated() {
      let path = "down_blocks.\(level)"
      for layer in 0..<configuration.layersPerBlock(at: level) {
        addResidual("\(path).resnets.\(layer)", inputs: channels, outputs: outputs)
        if configuration.downBlockHasAttention(level) {
          addTransformer("\(path).attentions.\(layer)", channels: outputs, level: level, place: .down)
        }
        stages.append(.keep)
        channels = outputs
      }
      if level < configuration.blockOutChannels.count - 1 {
        stages += [.downsample(Resampling(path: "\(path).downsamplers.0.conv", channels: outputs)), .keep]
      }
    }
  }

  private mutating func addMiddleBlock() {
    guard configuration.hasMiddleBlock, let channels = configuration.blockOutChannels.last else { return }
    let level = configuration.blockOutChannels.count - 1
    let scale = configuration.midBlockScaleFactor
    addResidual("mid_block.resnets.0", inputs: channels, outputs: channels, outputScale: scale)
    guard configuration.middleBlockHasAttention else { return }
    addTransformer("mid_block.attentions.0", channels: channels, level: level, place: .mid)
    addResidual("mid_block.resnets.1", inputs: channels, outputs: channels, outputScale: scale)
  }

  private mutating func addUpBlocks() {
    let levels = Array(configuration.blockOutChannels.indices.reversed())
    var channels = configuration.blockOutChannels.last ?? 0
    for (block, level) in levels.enumerated() {
      let path = "up_blocks.\(block)"
      let outputs = configuration.blockOutChannels[level]
      let below = configuration.blockOutChannels[max(level - 1, 0)]
      let layers = configuration.layersPerBlock(at: level) + 1
      for layer in 0..<layers {
        let kept = layer == layers - 1 ? below : outputs
        stages.append(.join)
        addResidual("\(path).resnets.\(layer)", inputs: channels + kept, outputs: outputs)
        if configuration.upBlockHasAttention(block) {
          addTransformer(
            "\(path).attentions.\(layer)", channels: outputs, level: level, place: .up, upBlock: block)
        }
        channels = outputs
      }
      if block < levels.count - 1 {
        stages.append(.upsample(Resampling(path: "\(path).upsamplers.0.conv", channels: outputs)))
      }
    }
  }

  private mutating func addResidual(_ path: String, inputs: Int, outputs: Int, outputScale: Double? = nil) {
    stages.append(
      .residual(
        Residual(
          path: path, inputs: inputs, outputs: outputs,
          outputScale: outputScale ?? configuration.resnetOutScaleFactor)))
  }

  private mutating func addTransformer(
    _ path: String, channels: Int, level: Int, place: AttentionSite.Place, upBlock: Int? = nil
  ) {
    let depth = configuration.transformerDepth(at: level, upBlock: upBlock)
    stages.append(
      .transformer(
        Transformer(
          path: path, channels: channels, heads: configuration.heads(at: level), depth: depth,
          textChannels: configuration.crossAttentionChannels(at: level), place: place, firstBlock: blockCount,
          nominal: nominalGrid(at: level))))
    blockCount += depth
  }

  private func nominalGrid(at level: Int) -> Grid {
    let (height, width) = configuration.sampleSize
    return (0..<level).reduce(Grid(height: height, width: width)) { grid, _ in grid.halved }
  }
}

extension UNetLayout {
  /// The size of a map.
  struct Grid: Equatable {
    var height: Int
    var width: Int

    var pixelCount: Int { height * width }

    /// The size after a downsampling convolution.
    var halved: Grid { Grid(height: (height + 1) / 2, width: (width + 1) / 2) }
  }

  /// Returns the stages with the sizes of their input and output maps, for a latent of this size.
  func stages(height: Int, width: Int) -> [(stage: Stage, entered: Grid, left: Grid)] {
    var grid = Grid(height: height, width: width)
    var kept: [Grid] = []
    return stages.map { stage in
      let entered = grid
      switch stage {
      case .residual, .transformer: break
      case .keep: kept.append(grid)
      case .join: kept.removeLast()
      case .upsample: grid = kept.last ?? grid
      case .downsample:
        grid = grid.halved
      }
      return (stage, entered, grid)
    }
  }
}

extension UNetConfiguration {
  /// Returns all attentions of an evaluation of a latent of this size, in order.
  public func attentionSites(height: Int, width: Int) -> [AttentionSite] {
    UNetLayout(self).stages(height: height, width: width).flatMap { stage, grid, _ -> [AttentionSite] in
      guard case .transformer(let transformer) = stage else { return [] }
      return (0..<transformer.depth).flatMap { block in
        [false, true].map { isCross in
          AttentionSite(
            block: transformer.firstBlock + block, place: transformer.place, isCross: isCross, grid: grid,
            heads: transformer.heads, nominal: transformer.nominal)
        }
      }
    }
  }
}

extension AttentionSite {
  /// - Parameters:
  ///   - block: The index of its transformer block in the network.
  ///   - place: The part of the network that contains the attention.
  ///   - isCross: Whether it is cross-attention to the text.
  ///   - grid: The size of the query grid.
  ///   - heads: The number of heads.
  ///   - nominal: The size of the query grid at the model's own size.
  init(
    block: Int, place: Place, isCross: Bool, grid: UNetLayout.Grid, heads: Int, nominal: UNetLayout.Grid
  ) {
    self.init(
      index: 2 * block + (isCross ? 1 : 0), place: place, isCross: isCross, height: grid.height,
      width: grid.width, heads: heads, nominal: nominal)
  }
}
