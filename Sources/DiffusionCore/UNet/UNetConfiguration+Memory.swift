internal import Tensor

/// How much memory the maps of an evaluation take at one time, in bytes.
///
/// Upper bounds, counted block by block from the shapes alone, as the allocator rounds them. The weights are not in them,
/// nor the scratch memory of threads.
extension UNetConfiguration {
  /// The maps of an evaluation of a latent of this size.
  package func evaluationBytes(height: Int, width: Int) -> Int {
    let maps = UNetMaps(self, height: height, width: width)
    return maps.stem + maps.stages.map { $0.connections + $0.forward }.most
  }

  /// The maps of an evaluation and the gradient at the text.
  ///
  /// - Parameter recomputes: whether activations are computed again instead of kept.
  package func gradientBytes(height: Int, width: Int, recomputes: Bool) -> Int {
    let maps = UNetMaps(self, height: height, width: width)
    let connections = maps.stages.map(\.connections).most
    guard recomputes else {
      return maps.stem + maps.stages.map(\.kept).reduce(connections, +) + maps.stages.map(\.backward).most
    }
    return maps.stem + maps.stages.map(\.entered).reduce(connections, +)
      + maps.stages.map { $0.kept + $0.backward }.most
  }

  /// What an edit holds of the source's attention in a step: queries, keys, values and probabilities.
  ///
  /// - Parameter largestGrid: the side, at the model's own size, of the largest self-attention whose probabilities are
  ///   read.
  package func sourceAttentionBytes(height: Int, width: Int, tokens: Int, largestGrid: Int) -> Int {
    UNetLayout(self).stages(height: height, width: width).reduce(0) { sum, placed in
      guard case .transformer(let layer) = placed.stage else { return sum }
      let pixels = placed.entered.pixelCount
      let own =
        layer.nominal.pixelCount <= largestGrid * largestGrid ? mapBytes(layer.heads * pixels, pixels) : 0
      let read = 5 * mapBytes(pixels, layer.channels) + mapBytes(layer.heads * pixels, tokens) + own
      return sum + layer.depth * read
    }
  }
}

/// The memory of a map, in bytes.
func mapBytes(_ pixels: Int, _ channels: Int) -> Int {
  BufferPool.capacity(for: pixels * channels) * MemoryLayout<Float>.size
}

extension [Int] {
  fileprivate var most: Int { self.max() ?? 0 }
}

/// The maps that the stages of a network hold.
private struct UNetMaps {
  /// The bytes that one stage holds.
  struct Stage {
    /// The maps that wait to be joined.
    var connections = 0
    /// The map that it enters with.
    var entered = 0
    /// All of its own while it runs, the maps that it enters and leaves with among them.
    var forward = 0
    /// What the tape keeps for the way back.
    var kept = 0
    /// Gradients while it runs back.
    var backward = 0
  }

  private(set) var stages: [Stage] = []

  /// What an evaluation shares with others of the same latent, and the predictions of those.
  let stem: Int

  init(_ configuration: UNetConfiguration, height: Int, width: Int) {
    stem = 5 * mapBytes(height * width, configuration.blockOutChannels[0])
    var channels = configuration.blockOutChannels[0]
    var connections: [(channels: Int, bytes: Int)] = []
    stages = UNetLayout(configuration).stages(height: height, width: width).map { stage, entered, left in
      var maps = Stage(connections: connections.reduce(0) { $0 + $1.bytes })
      let pixels = left.pixelCount
      maps.entered = mapBytes(entered.pixelCount, channels)
      switch stage {
      case .keep:
        connections.append((channels, maps.entered))
      case .join:
        channels += connections.removeLast().channels
        maps.forward = maps.entered + mapBytes(pixels, channels)
        maps.backward = 2 * maps.forward
      case .upsample, .downsample:
        maps.forward = maps.entered + mapBytes(pixels, channels)
        maps.backward = 2 * maps.forward
      case .residual(let layer):
        let result = mapBytes(pixels, layer.outputs)
        // The shortcut, the first convolution's result, a norm before it or after it, and the block's own result.
        maps.forward = maps.entered + max(maps.entered + 2 * result, 4 * result)
        maps.kept = maps.entered + result
        maps.backward = 3 * (maps.entered + result)
        channels = layer.outputs
      case .transformer(let layer):
        let (map, gated) = (maps.entered, mapBytes(pixels, 4 * channels))
        // Besides the map and the tokens: a norm, queries, keys, values, what they mix, and the next tokens, or fewer
        // and the gated products.
        maps.forward = 2 * map + max(6 * map, 4 * map + gated)
        // The map; of each block the inputs of three norms, of the two attentions queries, keys, values and results, and
        // the products before the gate, twice as wide.
        maps.kept = map + layer.depth * (10 * map + mapBytes(pixels, 8 * channels))
        maps.backward = 4 * map + gated + 2 * mapBytes(pixels, 8 * channels)
      }
      return maps
    }
  }
}
