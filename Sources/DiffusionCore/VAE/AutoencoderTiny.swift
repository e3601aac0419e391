internal import Foundation
public import Tensor

/// A small autoencoder: `AutoencoderTiny` of diffusers, known as TAESD.
///
/// Its latents are compatible with Stable Diffusion's own autoencoder. It takes a fraction of the time, but loses
/// more detail.
public final class AutoencoderTiny: Autoencoder {
  /// The configuration of the network.
  public let configuration: AutoencoderTinyConfiguration

  private let encoder: [TinyLayer]
  private let decoder: [TinyLayer]
  private let scale: Float

  /// Creates a network with the weights of a checkpoint's `vae` folder.
  ///
  /// - Throws: `InputError` if the configuration is not supported, or if a tensor is missing or has the wrong shape.
  public init(_ configuration: AutoencoderTinyConfiguration, weights: WeightScope) throws {
    try configuration.validate()
    self.configuration = configuration
    scale = Float(configuration.scalingFactor)
    encoder = try Self.encoder(configuration, weights["encoder.layers"])
    decoder = try Self.decoder(configuration, weights["decoder.layers"])
  }

  /// The number of pixels per latent pixel along each side.
  public var downsampling: Int { configuration.downsamplingFactor }

  /// Returns the scaled latent of a picture.
  public func encode(_ picture: Tensor) throws -> Tensor {
    precondition(
      picture.shape[0] % downsampling == 0 && picture.shape[1] % downsampling == 0,
      "the picture has the shape \(picture.shape), but its sides must be multiples of \(downsampling)")
    // From -1...1 to 0...1.
    let halves = picture.map { 0.5 * $0 + 0.5 }
    return scale * (try run(encoder, halves))
  }

  /// Returns the picture of a latent; `bandByteCount` is ignored because the maps are small.
  public func decode(_ latent: Tensor, bandByteCount: Int? = nil) throws -> Tensor {
    let limited = latent.map { [scale] in 3 * tanh($0 / scale / 3) }
    return try run(decoder, limited).map { 2 * $0 - 1 }
  }

  private func run(_ layers: [TinyLayer], _ x: Tensor) throws -> Tensor {
    var x = Variable(x)
    for layer in layers {
      try Task.checkCancellation()
      x = layer(x)
    }
    return x.value
  }

  // Checkpoints also number the layers that have no weights.

  private static func encoder(
    _ configuration: AutoencoderTinyConfiguration, _ weights: WeightScope
  ) throws -> [TinyLayer] {
    var layers: [TinyLayer] = []
    for (stage, blocks) in configuration.encoderBlocks.enumerated() {
      let width = configuration.encoderWidths[stage]
      layers.append(
        .convolution(
          try Convolution(
            weights[layers.count], inputs: stage == 0 ? 3 : width, outputs: width, stride: stage == 0 ? 1 : 2,
            padding: .all(1), hasBias: stage == 0)))
      for _ in 0..<blocks { layers.append(.block(try TinyBlock(weights[layers.count], channels: width))) }
    }
    layers.append(
      .convolution(
        try Convolution(
          weights[layers.count], inputs: configuration.encoderWidths.last ?? 0,
          outputs: configuration.latentChannels)))
    return layers
  }

  private static func decoder(
    _ configuration: AutoencoderTinyConfiguration, _ weights: WeightScope
  ) throws -> [TinyLayer] {
    let widths = configuration.decoderWidths
    var layers: [TinyLayer] = [
      .convolution(
        try Convolution(weights[0], inputs: configuration.latentChannels, outputs: widths[0])),
      .relu,
    ]
    // Upsampling is a separate layer in the checkpoint, but part of the next layer here.
    var number = layers.count
    for (stage, blocks) in configuration.decoderBlocks.enumerated() {
      let (width, isLast) = (widths[stage], stage == widths.count - 1)
      for _ in 0..<blocks {
        layers.append(.block(try TinyBlock(weights[number], channels: width)))
        number += 1
      }
      if !isLast { number += 1 }
      let convolution = try Convolution(
        weights[number], inputs: width, outputs: isLast ? 3 : width, hasBias: isLast)
      layers.append(isLast ? .convolution(convolution) : .upsampling(convolution))
      number += 1
    }
    return layers
  }
}

/// A layer of an `AutoencoderTiny`.
private enum TinyLayer: Sendable {
  case convolution(Convolution)
  /// Upsampling by two, then a convolution.
  case upsampling(Convolution)
  case block(TinyBlock)
  case relu

  func callAsFunction(_ x: Variable) -> Variable {
    switch self {
    case .convolution(let convolution): convolution(x)
    case .upsampling(let convolution):
      convolution(upsampling: x, toHeight: 2 * x.shape[0], width: 2 * x.shape[1])
    case .block(let block): block(x)
    case .relu: x.relu()
    }
  }
}

/// Three convolutions with ReLU between them, a residual connection, and a ReLU of the sum.
private struct TinyBlock: Sendable {
  private let convolutions: [Convolution]

  init(_ weights: WeightScope, channels: Int) throws {
    convolutions = try [0, 2, 4].map {
      try Convolution(weights["conv"][$0], inputs: channels, outputs: channels)
    }
  }

  func callAsFunction(_ x: Variable) -> Variable {
    let hidden = convolutions[1](convolutions[0](x).relu()).relu()
    return convolutions[2](hidden, adding: x).relu()
  }
}

extension Tensor {
  /// Returns the tensor with a function applied to each scalar.
  fileprivate func map(_ function: (Float) -> Float) -> Tensor {
    Tensor(scalars.map(function), shape: shape)
  }
}
