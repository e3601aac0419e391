/// Estimates of the memory of a model's networks, in bytes; upper bounds.
package struct ModelMemory: Sendable, Equatable {
  /// The weights, by network.
  package let weights: [Checkpoint.Part: Int]
  /// The activations of one UNet evaluation.
  package let evaluation: Int
  /// The activations of one UNet evaluation and its gradient.
  package let gradient: Int
  /// The activations of one UNet evaluation and its gradient if the activations are recomputed.
  package let recomputedGradient: Int
  /// The source's attention maps that an edit keeps during a step.
  package let sourceAttention: Int
  /// The activations of the encoder.
  package let encoding: Int
  /// The activations of the decoder.
  package let decoding: Int
  /// The activations of the decoder if it decodes in bands.
  package let bandedDecoding: Int

  /// The size in bytes of the bands of a decoder that saves memory.
  ///
  /// Larger bands take more memory, smaller ones more time.
  package static let bandByteCount = 8 << 20

  /// Reads configurations and the headers of weights, and computes the estimates.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - largestGrid: The side, at the model's own size, of the largest self-attention map that edits inject.
  ///   - pictureSize: The size of the pictures; nil for the model's own.
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

  /// Creates estimates from known values.
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

  /// Returns the peak of activations and weights together, without the process's other memory.
  ///
  /// - Parameters:
  ///   - options: The tradeoffs between memory and time.
  ///   - differentiates: Whether gradients are computed.
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
