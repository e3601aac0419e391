extension UNetConfiguration {
  /// The floating-point operations of one evaluation, two for a multiply-add.
  ///
  /// The products of all layers and attentions, by the direct formula; what is linear in the size of the maps, such as
  /// norms, is left out. So are the keys and values of the text (`contextOperations(tokens:)`), which many evaluations
  /// share.
  ///
  /// - Parameters:
  ///   - height: of the latent.
  ///   - width: of the latent.
  ///   - tokens: of the text.
  package func operations(height: Int, width: Int, tokens: Int) -> Int {
    var count = OperationCount(configuration: self, height: height, width: width, tokens: tokens)
    return count.evaluation()
  }

  /// The operations that make a text's keys and values.
  package func contextOperations(tokens: Int) -> Int {
    var count = OperationCount(configuration: self, height: 1, width: 1, tokens: tokens)
    _ = count.evaluation()
    return count.context
  }
}

/// Walks through a network's blocks in the order of `UNetStageBuilder`.
private struct OperationCount {
  let configuration: UNetConfiguration
  var height: Int
  var width: Int
  let tokens: Int
  var total = 0
  var context = 0

  private typealias Kept = (channels: Int, height: Int, width: Int)

  init(configuration: UNetConfiguration, height: Int, width: Int, tokens: Int) {
    (self.configuration, self.height, self.width, self.tokens) = (configuration, height, width, tokens)
  }

  private var pixels: Int { height * width }
  private var timeChannels: Int { 4 * configuration.blockOutChannels[0] }

  mutating func evaluation() -> Int {
    let widths = configuration.blockOutChannels
    var channels = widths[0]
    product(rows: 1, from: channels, to: timeChannels)
    product(rows: 1, from: timeChannels, to: timeChannels)
    convolution(from: configuration.inChannels, to: channels, size: configuration.convInKernel)
    var kept: [Kept] = [(channels, height, width)]

    for (level, outputs) in widths.enumerated() {
      for _ in 0..<configuration.layersPerBlock(at: level) {
        residual(from: channels, to: outputs)
        if configuration.downBlockHasAttention(level) { transformer(outputs, level: level) }
        kept.append((outputs, height, width))
        channels = outputs
      }
      if level < widths.count - 1 {
        (height, width) = ((height + 1) / 2, (width + 1) / 2)
        convolution(from: outputs, to: outputs, size: 3)
        kept.append((outputs, height, width))
      }
    }
    if configuration.hasMiddleBlock {
      residual(from: channels, to: channels)
      if configuration.middleBlockHasAttention {
        transformer(channels, level: widths.count - 1)
        residual(from: channels, to: channels)
      }
    }
    for (block, level) in widths.indices.reversed().enumerated() {
      for _ in 0...configuration.layersPerBlock(at: level) {
        residual(from: channels + kept.removeLast().channels, to: widths[level])
        if configuration.upBlockHasAttention(block) {
          transformer(widths[level], level: level, upBlock: block)
        }
        channels = widths[level]
      }
      if let next = kept.last {
        (height, width) = (next.height, next.width)
        convolution(from: channels, to: channels, size: 3)
      }
    }
    convolution(from: channels, to: configuration.outChannels, size: configuration.convOutKernel)
    return total
  }

  private mutating func product(rows: Int, from inputs: Int, to outputs: Int) {
    total += 2 * rows * inputs * outputs
  }

  private mutating func convolution(from inputs: Int, to outputs: Int, size: Int) {
    product(rows: pixels, from: size * size * inputs, to: outputs)
  }

  private mutating func residual(from inputs: Int, to outputs: Int) {
    convolution(from: inputs, to: outputs, size: 3)
    convolution(from: outputs, to: outputs, size: 3)
    product(rows: 1, from: timeChannels, to: outputs)
    if inputs != outputs { convolution(from: inputs, to: outputs, size: 1) }
  }

  private mutating func transformer(_ channels: Int, level: Int, upBlock: Int? = nil) {
    let depth = configuration.transformerDepth(at: level, upBlock: upBlock)
    product(rows: pixels, from: channels, to: 2 * channels)  // in and out
    for _ in 0..<depth {
      product(rows: pixels, from: channels, to: 4 * channels)  // self: queries, keys, values, out
      product(rows: pixels, from: channels, to: 2 * pixels)  // scores, and values mixed
      product(rows: pixels, from: channels, to: 2 * channels)  // cross: queries, out
      product(rows: pixels, from: channels, to: 2 * tokens)
      product(rows: pixels, from: channels, to: 12 * channels)  // feed-forward: 8 in, 4 out
    }
    context += 2 * tokens * configuration.crossAttentionChannels(at: level) * 2 * channels * depth
  }
}
