/// The architecture of a text encoder, as its `text_encoder/config.json` says.
///
/// Keys that a file lacks have the values that transformers' `CLIPTextConfig` gives them.
public struct TextEncoderConfiguration: Sendable, Equatable {
  /// The kind of network; `clip_text_model` for CLIP's.
  public let modelType: String

  /// The number of tokens of the vocabulary.
  public let vocabularySize: Int

  /// The width of the embeddings.
  public let hiddenSize: Int

  /// The width inside the feed-forward layers.
  public let intermediateSize: Int

  /// The number of layers.
  public let layerCount: Int

  /// The number of attention heads of each layer.
  public let headCount: Int

  /// The length of every prompt in tokens, padding included.
  public let positionCount: Int

  /// The activation function of the feed-forward layers: `quick_gelu` or `gelu`.
  public let activation: String

  /// The epsilon of the layer norms.
  public let normEpsilon: Double

  /// The shape of a text's embedding: tokens x channels.
  public var embeddingShape: [Int] { [positionCount, hiddenSize] }
}

extension TextEncoderConfiguration: Decodable {
  private enum Key: String, CodingKey {
    case modelType = "model_type"
    case vocabularySize = "vocab_size"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case layerCount = "num_hidden_layers"
    case headCount = "num_attention_heads"
    case positionCount = "max_position_embeddings"
    case activation = "hidden_act"
    case normEpsilon = "layer_norm_eps"
  }

  /// Reads the keys of transformers' `CLIPTextConfig`; others are ignored.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func value<T: Decodable>(_ key: Key, _ absent: T) throws -> T {
      try container.decodeIfPresent(T.self, forKey: key) ?? absent
    }
    modelType = try value(.modelType, "clip_text_model")
    vocabularySize = try value(.vocabularySize, 49408)
    hiddenSize = try value(.hiddenSize, 512)
    intermediateSize = try value(.intermediateSize, 2048)
    layerCount = try value(.layerCount, 12)
    headCount = try value(.headCount, 8)
    positionCount = try value(.positionCount, 77)
    activation = try value(.activation, "quick_gelu")
    normEpsilon = try value(.normEpsilon, 1e-5)
  }
}

extension TextEncoderConfiguration: CheckpointConfiguration {
  /// Whether this library can compute a text encoder of this architecture.
  ///
  /// - Throws: `InputError` about the first value that it cannot.
  public func validate() throws {
    try ConfigurationCheck.isOne(of: ["clip_text_model"], "model_type", modelType)
    try ConfigurationCheck.isOne(of: ["quick_gelu", "gelu"], "hidden_act", activation)
    guard (1...1 << 22).contains(vocabularySize) else {
      throw InputError(
        .outOfRange, "vocab_size is \(vocabularySize), but should be between 1 and \(1 << 22).")
    }
    try ConfigurationCheck.isPositive("hidden_size", hiddenSize)
    try ConfigurationCheck.isPositive("intermediate_size", intermediateSize)
    try ConfigurationCheck.isPositive("num_hidden_layers", layerCount)
    try ConfigurationCheck.isPositive("num_attention_heads", headCount)
    try ConfigurationCheck.isPositive("max_position_embeddings", positionCount)
    try ConfigurationCheck.divides("num_attention_heads", headCount, "hidden_size", hiddenSize)
    guard normEpsilon > 0, normEpsilon < 1 else {
      throw InputError(
        .outOfRange, "layer_norm_eps is \(normEpsilon), but should be a small positive number.")
    }
  }
}
