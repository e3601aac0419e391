public import Tensor

/// The standard autoencoder of Stable Diffusion: `AutoencoderKL` of diffusers.
public final class AutoencoderKL: Autoencoder {
  /// The configuration of the network.
  public let configuration: AutoencoderKLConfiguration

  private let encoder: PictureEncoder
  private let decoder: PictureDecoder
  private let scale: Float

  /// Creates a network with the weights of a checkpoint's `vae` folder.
  ///
  /// - Throws: `InputError` if the configuration is not supported, or if a tensor is missing or has the wrong shape.
  public init(_ configuration: AutoencoderKLConfiguration, weights: WeightScope) throws {
    try configuration.validate()
    self.configuration = configuration
    scale = Float(configuration.scalingFactor)
    encoder = try PictureEncoder(configuration, weights)
    decoder = try PictureDecoder(configuration, weights)
  }

  /// The number of pixels per latent pixel along each side.
  public var downsampling: Int { configuration.downsamplingFactor }

  /// Returns the latent of a picture: the scaled mean of its distribution.
  public func encode(_ picture: Tensor) throws -> Tensor {
    precondition(
      picture.shape[0] % downsampling == 0 && picture.shape[1] % downsampling == 0,
      "the picture has the shape \(picture.shape), but its sides must be multiples of \(downsampling)")
    return try withOwnBuffers { try (encoder(Variable(picture)) * scale).value }
  }

  /// Returns the picture of a latent.
  ///
  /// - Parameters:
  ///   - latent: Height x width x channels, scaled for the UNet.
  ///   - bandByteCount: If given, the upsampled maps are computed in bands of about this size and never held whole,
  ///     which takes about a quarter less memory and up to a quarter more time. The result is the same up to
  ///     rounding.
  public func decode(_ latent: Tensor, bandByteCount: Int? = nil) throws -> Tensor {
    try withOwnBuffers { try decoder(Variable(latent) * (1 / scale), bandByteCount: bandByteCount).value }
  }

  /// Runs one of the two networks, and empties the buffer pool before and after, because its maps are the largest of
  /// a model.
  private func withOwnBuffers(_ body: () throws -> Tensor) rethrows -> Tensor {
    BufferPool.shared.drain(ifMoreThan: smallByteCount)
    defer { BufferPool.shared.drain(ifMoreThan: smallByteCount) }
    return try body()
  }
}

/// The buffer pool is emptied only if it holds more than this number of bytes.
private let smallByteCount = 48 << 20

/// The encoder, which computes the mean of the latent's distribution from a picture.
private struct PictureEncoder: Sendable {
  private let convolutionIn: Convolution
  private let blocks: [(residuals: [ResidualBlock], downsampler: Convolution?)]
  private let middle: MiddleBlock
  private let normOut: GroupNorm
  private let convolutionOut: Convolution
  private let quantization: Convolution?
  private let latentChannels: Int

  init(_ configuration: AutoencoderKLConfiguration, _ weights: WeightScope) throws {
    let (scope, widths) = (weights["encoder"], configuration.blockOutChannels)
    latentChannels = configuration.latentChannels
    convolutionIn = try Convolution(scope["conv_in"], inputs: configuration.inChannels, outputs: widths[0])
    blocks = try widths.indices.map { level in
      let block = scope["down_blocks"][level]
      let residuals = try (0..<configuration.layersPerBlock).map { layer in
        try ResidualBlock(
          block["resnets"][layer], inputs: layer == 0 ? widths[max(level - 1, 0)] : widths[level],
          outputs: widths[level], groups: configuration.normGroups)
      }
      guard level < widths.count - 1 else { return (residuals, nil) }
      // Zero padding only on the right and at the bottom, as in diffusers.
      let downsampler = try Convolution(
        block["downsamplers.0.conv"], inputs: widths[level], outputs: widths[level], stride: 2,
        padding: .init(leading: 0, trailing: 1))
      return (residuals, downsampler)
    }
    let width = widths[widths.count - 1]
    middle = try MiddleBlock(scope["mid_block"], channels: width, configuration)
    normOut = try GroupNorm(
      scope["conv_norm_out"], channels: width, groups: configuration.normGroups, epsilon: 1e-6)
    convolutionOut = try Convolution(scope["conv_out"], inputs: width, outputs: 2 * latentChannels)
    quantization =
      configuration.usesQuantConvolution
      ? try Convolution(
        weights["quant_conv"], inputs: 2 * latentChannels, outputs: 2 * latentChannels, size: 1)
      : nil
  }

  func callAsFunction(_ picture: Variable) throws -> Variable {
    try Task.checkCancellation()
    var x = convolutionIn(picture)
    for block in blocks {
      for residual in block.residuals {
        try Task.checkCancellation()
        x = residual(consume x)
      }
      if let downsampler = block.downsampler { x = downsampler(x) }
    }
    let moments = convolutionOut(normalizing: try middle(x), by: normOut, thenSiLU: true)
    return mean(quantization.map { $0(moments) } ?? moments)
  }

  /// Returns the first half of the channels; the second half is the logarithm of the variance.
  private func mean(_ moments: Variable) -> Variable {
    let (height, width, channels) = moments.value.shape3
    let mean = Tensor(shape: [height, width, latentChannels]) { mean in
      moments.value.withScalars { moments in
        for pixel in 0..<height * width {
          for c in 0..<latentChannels { mean[pixel * latentChannels + c] = moments[pixel * channels + c] }
        }
      }
    }
    return Variable(mean)
  }
}

/// The decoder, which computes a picture from a latent.
private struct PictureDecoder: Sendable {
  private let quantization: Convolution?
  private let convolutionIn: Convolution
  private let middle: MiddleBlock
  private let blocks: [(residuals: [ResidualBlock], upsampler: Convolution?)]
  private let normOut: GroupNorm
  private let convolutionOut: Convolution

  init(_ configuration: AutoencoderKLConfiguration, _ weights: WeightScope) throws {
    let (scope, widths) = (weights["decoder"], Array(configuration.blockOutChannels.reversed()))
    let latentChannels = configuration.latentChannels
    quantization =
      configuration.usesPostQuantConvolution
      ? try Convolution(weights["post_quant_conv"], inputs: latentChannels, outputs: latentChannels, size: 1)
      : nil
    convolutionIn = try Convolution(scope["conv_in"], inputs: latentChannels, outputs: widths[0])
    middle = try MiddleBlock(scope["mid_block"], channels: widths[0], configuration)
    blocks = try widths.indices.map { level in
      let block = scope["up_blocks"][level]
      let residuals = try (0...configuration.layersPerBlock).map { layer in
        try ResidualBlock(
          block["resnets"][layer], inputs: layer == 0 ? widths[max(level - 1, 0)] : widths[level],
          outputs: widths[level], groups: configuration.normGroups)
      }
      guard level < widths.count - 1 else { return (residuals, nil) }
      return (
        residuals, try Convolution(block["upsamplers.0.conv"], inputs: widths[level], outputs: widths[level])
      )
    }
    let width = widths[widths.count - 1]
    normOut = try GroupNorm(
      scope["conv_norm_out"], channels: width, groups: configuration.normGroups, epsilon: 1e-6)
    convolutionOut = try Convolution(scope["conv_out"], inputs: width, outputs: configuration.outChannels)
  }

  func callAsFunction(_ latent: Variable, bandByteCount: Int?) throws -> Variable {
    try Task.checkCancellation()
    var x = try middle(convolutionIn(quantization.map { $0(latent) } ?? latent))
    var upsampler: Convolution?
    for block in blocks {
      var residuals = block.residuals[...]
      if let convolution = upsampler {
        if let bandByteCount, let first = residuals.popFirst() {
          let doubled = BandedMap(convolution, doubling: x.value, bandByteCount: bandByteCount)
          x = Variable(try first(doubled))
        } else {
          x = convolution(upsampling: x, toHeight: 2 * x.shape[0], width: 2 * x.shape[1])
        }
      }
      for residual in residuals {
        try Task.checkCancellation()
        let width = x.value.rowLength
        x = residual(consume x)
        if x.value.rowLength < width { BufferPool.shared.drain(ifMoreThan: smallByteCount) }
      }
      // The next maps have other sizes, as after a block that reduces the width, so pooled buffers are useless.
      BufferPool.shared.drain(ifMoreThan: smallByteCount)
      upsampler = block.upsampler
    }
    return convolutionOut(normalizing: x, by: normOut, thenSiLU: true)
  }
}

/// Two residual blocks with single-head attention over all pixels between them.
private struct MiddleBlock: Sendable {
  private let before: ResidualBlock
  private let attention: PixelAttention?
  private let after: ResidualBlock

  init(_ weights: WeightScope, channels: Int, _ configuration: AutoencoderKLConfiguration) throws {
    func residual(_ scope: WeightScope) throws -> ResidualBlock {
      try ResidualBlock(scope, inputs: channels, outputs: channels, groups: configuration.normGroups)
    }
    before = try residual(weights["resnets.0"])
    attention =
      configuration.middleBlockHasAttention
      ? try PixelAttention(weights["attentions.0"], channels: channels, groups: configuration.normGroups)
      : nil
    after = try residual(weights["resnets.1"])
  }

  func callAsFunction(_ x: Variable) throws -> Variable {
    var x = before(x)
    try Task.checkCancellation()
    if let attention { x = attention(x) }
    try Task.checkCancellation()
    return after(x)
  }
}

extension ResidualBlock {
  /// Creates a residual block without a time embedding.
  fileprivate init(_ weights: WeightScope, inputs: Int, outputs: Int, groups: Int) throws {
    try self.init(weights, inputs: inputs, outputs: outputs, timeChannels: nil, groups: groups, epsilon: 1e-6)
  }
}
