/// The settings of a `tokenizer_config.json` or a `special_tokens_map.json`, which have the same keys.
struct TokenizerSettings: Decodable {
  /// The role of a special token, in the order in which the reference adds them.
  enum Role: String, CodingKey, CaseIterable {
    case start = "bos_token"
    case end = "eos_token"
    case unknown = "unk_token"
    case separator = "sep_token"
    case padding = "pad_token"
    case classifier = "cls_token"
    case mask = "mask_token"

    /// CLIP's default token; nil for roles that CLIP does not use.
    var usual: String? {
      switch self {
      case .start: "<|startoftext|>"
      case .end, .unknown, .padding: "<|endoftext|>"
      case .separator, .classifier, .mask: nil
      }
    }
  }

  /// A token, decoded from a string or from an object with properties.
  struct Token: Equatable {
    var content: String
    /// Whether it is matched in the normalized text.
    var isNormalized: Bool
    /// Whether it was decoded from an object.
    var isObject: Bool
    /// Whether it includes surrounding white space or matches only whole words.
    var isPositional = false

    init(content: String, normalized: Bool? = nil) {
      self.content = content
      isNormalized = normalized ?? false
      isObject = normalized != nil
    }
  }

  let tokens: [Role: Token]
  let additionalTokens: [Token]?
  let addedTokensDecoder: [String: Token]?
  let maximumLength: Double?

  private enum Key: String, CodingKey {
    case additional = "additional_special_tokens"
    case extra = "extra_special_tokens"
    case decoder = "added_tokens_decoder"
    case maximumLength = "model_max_length"
  }

  init(from decoder: any Decoder) throws {
    let roles = try decoder.container(keyedBy: Role.self)
    var tokens: [Role: Token] = [:]
    for role in Role.allCases { tokens[role] = try roles.decodeIfPresent(Token.self, forKey: role) }
    self.tokens = tokens
    let container = try decoder.container(keyedBy: Key.self)
    additionalTokens =
      try container.decodeIfPresent([Token].self, forKey: .additional)
      ?? (try? container.decodeIfPresent([Token].self, forKey: .extra))
    addedTokensDecoder = try container.decodeIfPresent([String: Token].self, forKey: .decoder)
    maximumLength = try container.decodeIfPresent(Double.self, forKey: .maximumLength)
  }
}

extension TokenizerSettings.Token: Decodable {
  private enum Key: String, CodingKey {
    case content, normalized, lstrip, rstrip
    case singleWord = "single_word"
  }

  init(from decoder: any Decoder) throws {
    if let content = try? decoder.singleValueContainer().decode(String.self) {
      self.init(content: content)
      return
    }
    let container = try decoder.container(keyedBy: Key.self)
    func flag(_ key: Key) throws -> Bool { try container.decodeIfPresent(Bool.self, forKey: key) ?? false }
    self.init(
      content: try container.decode(String.self, forKey: .content), normalized: try flag(.normalized))
    isPositional = try flag(.lstrip) || flag(.rstrip) || flag(.singleWord)
  }
}
