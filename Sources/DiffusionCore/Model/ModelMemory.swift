/// About how much memory the networks of a model take, in bytes; upper bounds.
package struct ModelMemory: Sendable, Equatable {
  /// Weights, by network.
  package let weights: [Checkpoint.Part: Int]
  /// The maps of an evaluation of the UNet.
  package let evaluation: Int
  /// The maps of an evaluation and its gradient.
  package let gradient: Int
  /// The same if activations are computed again.
  package let recomputedGradient: Int
  /// What an edit holds of the source in a step.
  package let sourceAttention: Int
  /// The maps of the encoder.
  package let encoding: Int
  /// The maps of the decoder.
  package let decoding: Int
  /// The same in bands.
  package let bandedDecoding: Int

  /// The size in bytes of the bands of a decoder that saves memory.
  ///
  /// Larger ones take more memory, smaller ones more time.
  package static let bandByteCount = 8 << 20

  /// Reads configurations and the headers of weights.
  ///
  /// - Parameters:
  ///   - largestGrid: the side, at the model's own size, of the largest self-attention whose probabilities edits read.
  ///   - pictureSize: of the pictures that are worked on; nil for the model's own.
  /// - Throws: `InputError` if a part of the checkpoint is missing, damaged or not supported.
  package init(_ checkpoint: Checkpoint, largestGrid: Int, pictureSize: PixelSize? = nil) throws {
    let configuration = try ModelConfiguration(checkpoint)
    let parts: [Checkpoint.Part] = [.textEncoder, .unet, .vae]
    weights = try Dictionary(
      uniqueKeysWithValues: parts.map { ($0, try checkpoint.store(of: $0).memoryByteCount) })
    let (unet, autoencoder) = (configuration.unet, configuration.autoencoder)
    let size = pictureSize ?? configuration.pictureSize
    let (height, width) = configuration.latentSize(of: size)
    evaluation = unet.evaluationBytes(height: height, width: width)
    gradient = unet.gradientBytes(height: height, width: width, recomputes: false)
    recomputedGradient = unet.gradientBytes(height: height, width: width, recomputes: true)
    sourceAttention = unet.sourceAttentionBytes(
      height: height, width: width, tokens: configuration.textEncoder.positionCount,
      largestGrid: largestGrid)
    encoding = autoencoder.encodingBytes(height: size.height, width: size.width)
    decoding = autoencoder.decodingBytes(height: size.height, width: size.width, bandByteCount: nil)
    bandedDecoding = autoencoder.decodingBytes(
      height: size.height, width: size.width, bandByteCount: Self.bandByteCount)
  }

  /// Needs that are known.
  package init(
    weights: [Checkpoint.Part: Int], evaluation: Int, gradient: Int, recomputedGradient: Int,
    sourceAttention: Int, encoding: Int, decoding: Int, bandedDecoding: Int
  ) {
    self.weights = weights
    self.evaluation = evaluation
    self.gradient = gradient
    self.recomputedGradient = recomputedGradient
    self.sourceAttention = sourceAttention
    self.encoding = encoding
    self.decoding = decoding
    self.bandedDecoding = bandedDecoding
  }

  /// The most that work with the model takes, maps and weights together; what the process takes besides is not in it.
  ///
  /// - Parameters:
  ///   - options: what stays in memory.
  ///   - differentiates: whether gradients are asked for.
  package func peak(with options: ModelOptions, differentiates: Bool) -> Int {
    func phase(_ part: Checkpoint.Part, _ maps: Int) -> Int {
      weights.reduce(maps) { $0 + ($1.key == part || options.keptParts.contains($1.key) ? $1.value : 0) }
    }
    let decoding = options.decodingBandByteCount == nil ? self.decoding : bandedDecoding
    let gradient = options.recomputesActivations ? recomputedGradient : self.gradient
    return [
      phase(.textEncoder, 0), phase(.vae, max(encoding, decoding)),
      phase(.unet, max(evaluation + sourceAttention, differentiates ? gradient : 0)),
    ].max() ?? 0
  }
}
