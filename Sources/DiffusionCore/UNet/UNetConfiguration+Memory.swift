internal import Tensor

/// The memory of an evaluation's feature maps, in bytes.
///
/// Upper bounds, computed per block from shapes and rounded like the allocator's buffers. They exclude weights and
/// the scratch buffers of threads.
extension UNetConfiguration {
  /// Returns the memory of an evaluation of a latent of this size.
  package func evaluationBytes(height: Int, width: Int) -> Int {
    let maps = UNetMaps(self, height: height, width: width)
    return maps.stem + maps.stages.map { $0.connections + $0.forward }.most
  }

  /// Returns the memory of an evaluation and its gradient with respect to the text.
  ///
  /// - Parameters:
  ///   - height: The rows of the latent.
  ///   - width: Its columns.
  ///   - recomputes: Whether activations are recomputed instead of kept.
  package func gradientBytes(height: Int, width: Int, recomputes: Bool) -> Int {
    let maps = UNetMaps(self, height: height, width: width)
    let connections = maps.stages.map(\.connections).most
    guard recomputes else {
      return maps.stem + maps.stages.map(\.kept).reduce(connections, +) + maps.stages.map(\.backward).most
    }
    return maps.stem + maps.stages.map(\.entered).reduce(connections, +)
      + maps.stages.map { $0.kept + $0.backward }.most
  }

  /// Returns the memory of the source's attention that an edit keeps during a step: queries, keys, values and
  /// probabilities.
  ///
  /// - Parameters:
  ///   - height: The rows of the latent.
  ///   - width: Its columns.
  ///   - tokens: The number of tokens of the text.
  ///   - largestGrid: The side, at the model's own size, of the largest self-attention whose probabilities are used.
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

/// Returns the memory of a map, in bytes.
func mapBytes(_ pixels: Int, _ channels: Int) -> Int {
  BufferPool.capacity(for: pixels * channels) * MemoryLayout<Float>.size
}

extension [Int] {
  fileprivate var most: Int { self.max() ?? 0 }
}

/// The memory of the feature maps of a network's stages.
private struct UNetMaps {
  /// The bytes of one stage.
  struct Stage {
    /// The maps kept for skip connections.
    var connections = 0
    /// The input map.
    var entered = 0
    /// The maps of the forward pass, including input and output.
    var forward = 0
    /// The maps that the tape keeps for the backward pass.
    var kept = 0
    /// The gradients of the backward pass.
    var backward = 0
  }

  private(set) var stages: [Stage] = []

  /// The maps that evaluations of one latent share, and their predictions.
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
        // The shortcut, the result of the first convolution, a norm before or after it, and the output.
        maps.forward = maps.entered + max(maps.entered + 2 * result, 4 * result)
        maps.kept = maps.entered + result
        maps.backward = 3 * (maps.entered + result)
        channels = layer.outputs
      case .transformer(let layer):
        let (map, gated) = (maps.entered, mapBytes(pixels, 4 * channels))
        // In addition to the map and the tokens: a norm, queries, keys, values, the attention's output and the next
        // tokens; or fewer maps and the gated products.
        maps.forward = 2 * map + max(6 * map, 4 * map + gated)
        // The map; for each block the inputs of three norms, the queries, keys, values and outputs of two attentions,
        // and the products before the gate, which are twice as wide.
        maps.kept = map + layer.depth * (10 * map + mapBytes(pixels, 8 * channels))
        maps.backward = 4 * map + gated + 2 * mapBytes(pixels, 8 * channels)
      }
      return maps
    }
  }
}
