public import Tensor

/// The text encoder of CLIP, which computes the embedding that a UNet reads from tokens.
public final class CLIPTextEncoder: Sendable {
  /// The configuration of the network.
  public let configuration: TextEncoderConfiguration

  private let tokenEmbedding: Tensor
  private let positionEmbedding: Tensor
  private let layers: [CLIPTextLayer]
  private let finalNorm: LayerNorm

  /// Creates a network with the weights of a checkpoint's `text_encoder` folder.
  ///
  /// - Parameters:
  ///   - configuration: The configuration of the network.
  ///   - weights: Its weights.
  ///   - skippedLayers: The number of layers to skip at the end; the final norm is still applied.
  /// - Throws: `InputError` if the configuration is not supported, if a tensor is missing or has the wrong shape, or
  ///   if no layer would be left.
  public init(
    _ configuration: TextEncoderConfiguration, weights: WeightScope, skippedLayers: Int = 0
  ) throws {
    try configuration.validate()
    guard (0..<configuration.layerCount).contains(skippedLayers) else {
      throw InputError(
        .outOfRange,
        "The clip skip is \(skippedLayers), but must be between 0 and "
          + "\(configuration.layerCount - 1): the text encoder has \(configuration.layerCount) layers.")
    }
    self.configuration = configuration
    let scope = weights.contains("text_model") ? weights["text_model"] : weights
    let width = configuration.hiddenSize
    tokenEmbedding = try scope["embeddings.token_embedding"].tensor(
      "weight", shape: [configuration.vocabularySize, width])
    positionEmbedding = try scope["embeddings.position_embedding"].tensor(
      "weight", shape: [configuration.positionCount, width])
    layers = try (0..<configuration.layerCount - skippedLayers).map {
      try CLIPTextLayer(configuration, scope["encoder.layers"][$0])
    }
    finalNorm = try LayerNorm(
      scope["final_layer_norm"], channels: width, epsilon: Float(configuration.normEpsilon))
  }

  /// The number of input tokens, including padding.
  public var length: Int { configuration.positionCount }

  /// The number of output channels per token.
  public var width: Int { configuration.hiddenSize }

  /// Returns the last hidden state after the final norm; padding is not masked.
  ///
  /// - Parameter ids: `length` tokens.
  /// - Returns: Tokens x channels.
  /// - Throws: `InputError` if the number of tokens is wrong, or a token is not in the vocabulary.
  public func callAsFunction(_ ids: [Int]) throws -> Tensor {
    guard ids.count == length else {
      throw InputError(.mismatch, "The text has \(ids.count) tokens, but the text encoder reads \(length).")
    }
    if let stranger = ids.first(where: { !(0..<configuration.vocabularySize).contains($0) }) {
      throw InputError(
        .mismatch,
        "The tokenizer returned token \(stranger), but the text encoder has only \(configuration.vocabularySize) tokens. "
          + "The two do not belong together.")
    }
    let embedded = Tensor(shape: [length, width]) { rows in
      tokenEmbedding.withScalars { tokens in
        for (position, id) in ids.enumerated() {
          for c in 0..<width { rows[position * width + c] = tokens[id * width + c] }
        }
      }
    }
    var x = Variable(embedded + positionEmbedding)
    for layer in layers { x = layer(x) }
    return finalNorm(x).value
  }
}

/// Causal self-attention and a feed-forward layer, each with a norm before it and a residual connection.
private struct CLIPTextLayer: Sendable {
  private let norm1: LayerNorm
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let output: Linear
  private let norm2: LayerNorm
  private let feedForwardIn: Linear
  private let feedForwardOut: Linear
  private let attention: Attention
  private let usesQuickGELU: Bool

  init(_ configuration: TextEncoderConfiguration, _ weights: WeightScope) throws {
    let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    let epsilon = Float(configuration.normEpsilon)
    norm1 = try LayerNorm(weights["layer_norm1"], channels: width, epsilon: epsilon)
    query = try Linear(weights["self_attn.q_proj"], inputs: width, outputs: width)
    key = try Linear(weights["self_attn.k_proj"], inputs: width, outputs: width)
    value = try Linear(weights["self_attn.v_proj"], inputs: width, outputs: width)
    output = try Linear(weights["self_attn.out_proj"], inputs: width, outputs: width)
    norm2 = try LayerNorm(weights["layer_norm2"], channels: width, epsilon: epsilon)
    feedForwardIn = try Linear(weights["mlp.fc1"], inputs: width, outputs: inner)
    feedForwardOut = try Linear(weights["mlp.fc2"], inputs: inner, outputs: width)
    attention = Attention(heads: configuration.headCount, channels: width, isCausal: true)
    usesQuickGELU = configuration.activation == "quick_gelu"
  }

  func callAsFunction(_ x: Variable) -> Variable {
    let normed = norm1(x)
    let mixed = attention(query: query(normed), key: key(normed), value: value(normed))
    let attended = output(mixed, adding: x)
    let hidden = feedForwardIn(norm2(attended))
    return feedForwardOut(usesQuickGELU ? hidden.quickGELU() : hidden.gelu(), adding: attended)
  }
}
