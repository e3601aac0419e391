/// The architecture of a text encoder, from its `text_encoder/config.json`.
///
/// Missing keys have the defaults of transformers' `CLIPTextConfig`.
public struct TextEncoderConfiguration: Sendable, Equatable {
  /// The kind of network; `clip_text_model` for CLIP's text encoder.
  public let modelType: String

  /// The number of tokens in the vocabulary.
  public let vocabularySize: Int

  /// The width of the embeddings.
  public let hiddenSize: Int

  /// The inner width of the feed-forward layers.
  public let intermediateSize: Int

  /// The number of layers.
  public let layerCount: Int

  /// The number of attention heads per layer.
  public let headCount: Int

  /// The length of a prompt in tokens, including padding.
  public let positionCount: Int

  /// The activation function of the feed-forward layers: `quick_gelu` or `gelu`.
  public let activation: String

  /// The epsilon of the layer norms.
  public let normEpsilon: Double

  /// The shape of a text embedding: tokens x channels.
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

  /// Decodes the keys of transformers' `CLIPTextConfig`; other keys are ignored.
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
  /// Checks that this library supports this architecture.
  ///
  /// - Throws: `InputError` about the first unsupported value.
  public func validate() throws {
    try ConfigurationCheck.isOne(of: ["clip_text_model"], "model_type", modelType)
    try ConfigurationCheck.isOne(of: ["quick_gelu", "gelu"], "hidden_act", activation)
    guard (1...1 << 22).contains(vocabularySize) else {
      throw InputError(
        .outOfRange, "vocab_size is \(vocabularySize), but must be between 1 and \(1 << 22).")
    }
    try ConfigurationCheck.isPositive("hidden_size", hiddenSize)
    try ConfigurationCheck.isPositive("intermediate_size", intermediateSize)
    try ConfigurationCheck.isPositive("num_hidden_layers", layerCount)
    try ConfigurationCheck.isPositive("num_attention_heads", headCount)
    try ConfigurationCheck.isPositive("max_position_embeddings", positionCount)
    try ConfigurationCheck.divides("num_attention_heads", headCount, "hidden_size", hiddenSize)
    guard normEpsilon > 0, normEpsilon < 1 else {
      throw InputError(
        .outOfRange, "layer_norm_eps is \(normEpsilon), but must be greater than 0 and less than 1.")
    }
  }
}
