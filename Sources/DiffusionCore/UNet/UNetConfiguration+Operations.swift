extension UNetConfiguration {
  /// Returns the floating-point operations of one evaluation, two per multiply-add.
  ///
  /// They include the products of all layers and attentions by the direct formula. Operations linear in the size of
  /// the maps, such as norms, are excluded, and so are the keys and values of the text
  /// (`contextOperations(tokens:)`), which many evaluations share.
  ///
  /// - Parameters:
  ///   - height: The rows of the latent.
  ///   - width: The columns of the latent.
  ///   - tokens: The number of tokens of the text.
  package func operations(height: Int, width: Int, tokens: Int) -> Int {
    OperationCount(self, height: height, width: width, tokens: tokens).evaluation
  }

  /// Returns the operations that compute the keys and values of a text.
  package func contextOperations(tokens: Int) -> Int {
    OperationCount(self, height: 1, width: 1, tokens: tokens).context
  }
}

private struct OperationCount {
  private(set) var evaluation = 0
  private(set) var context = 0
  private let timeChannels: Int
  private let tokens: Int

  init(_ configuration: UNetConfiguration, height: Int, width: Int, tokens: Int) {
    let width0 = configuration.blockOutChannels[0]
    (timeChannels, self.tokens) = (4 * width0, tokens)
    product(rows: 1, from: width0, to: timeChannels)
    product(rows: 1, from: timeChannels, to: timeChannels)
    convolution(height * width, from: configuration.inChannels, to: width0, size: configuration.convInKernel)
    for (stage, _, grid) in UNetLayout(configuration).stages(height: height, width: width) {
      let pixels = grid.pixelCount
      switch stage {
      case .keep, .join: break
      case .residual(let layer): residual(pixels, layer)
      case .transformer(let layer): transformer(pixels, layer)
      case .downsample(let layer), .upsample(let layer):
        convolution(pixels, from: layer.channels, to: layer.channels)
      }
    }
    convolution(
      height * width, from: width0, to: configuration.outChannels, size: configuration.convOutKernel)
  }

  private mutating func product(rows: Int, from inputs: Int, to outputs: Int) {
    evaluation += 2 * rows * inputs * outputs
  }

  private mutating func convolution(_ pixels: Int, from inputs: Int, to outputs: Int, size: Int = 3) {
    product(rows: pixels, from: size * size * inputs, to: outputs)
  }

  private mutating func residual(_ pixels: Int, _ layer: UNetLayout.Residual) {
    convolution(pixels, from: layer.inputs, to: layer.outputs)
    convolution(pixels, from: layer.outputs, to: layer.outputs)
    product(rows: 1, from: timeChannels, to: layer.outputs)
    if layer.inputs != layer.outputs { convolution(pixels, from: layer.inputs, to: layer.outputs, size: 1) }
  }

  private mutating func transformer(_ pixels: Int, _ layer: UNetLayout.Transformer) {
    let channels = layer.channels
    product(rows: pixels, from: channels, to: 2 * channels)  // input and output projections
    for _ in 0..<layer.depth {
      product(rows: pixels, from: channels, to: 4 * channels)  // self: queries, keys, values, output
      product(rows: pixels, from: channels, to: 2 * pixels)  // scores and weighted values
      product(rows: pixels, from: channels, to: 2 * channels)  // cross: queries, output
      product(rows: pixels, from: channels, to: 2 * tokens)
      product(rows: pixels, from: channels, to: 12 * channels)  // feed-forward: 8 in, 4 out
    }
    context += 2 * tokens * layer.textChannels * 2 * channels * layer.depth
  }
}
