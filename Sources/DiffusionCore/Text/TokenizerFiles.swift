internal import Foundation

/// The contents of the files in a `tokenizer` folder.
struct TokenizerFiles {
  let vocabulary: [String: Int]
  let merges: [(String, String)]
  let addedTokens: [AddedToken]
  let startID: Int
  let endID: Int
  let paddingID: Int
  let unknownID: Int
  let maximumLength: Int

  /// The names of all files that the folder of a tokenizer may contain.
  static let names = [
    "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json",
  ]

  private typealias Token = TokenizerSettings.Token
  private typealias Role = TokenizerSettings.Role

  /// Reads `tokenizer.json`, or else `vocab.json` and `merges.txt`, and the settings in the same folder.
  init(_ folder: URL) throws {
    try self.init(
      Self.model(in: folder),
      configuration: Self.decoded(TokenizerSettings.self, "tokenizer_config.json", in: folder),
      map: Self.decoded(TokenizerSettings.self, "special_tokens_map.json", in: folder),
      added: Self.decoded([String: Int].self, "added_tokens.json", in: folder), path: folder.path)
  }

  /// - Parameters:
  ///   - model: The vocabulary and the merges.
  ///   - configuration: The settings of `tokenizer_config.json`.
  ///   - map: The settings of `special_tokens_map.json`.
  ///   - added: The token numbers of `added_tokens.json`.
  ///   - path: The path for messages.
  init(
    _ model: Model, configuration: TokenizerSettings?, map: TokenizerSettings?,
    added: @autoclosure () throws -> [String: Int]?, path: String
  ) throws {
    vocabulary = model.vocabulary
    merges = model.merges
    guard !vocabulary.isEmpty, vocabulary.values.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
      throw InputError(
        .malformed, "The vocabulary in \(path) is empty or has numbers that cannot be tokens.")
    }

    // Newer settings list all added tokens, so the map is not needed.
    let sources = configuration?.addedTokensDecoder != nil ? [configuration] : [map, configuration]
    var named: [Role: Token] = [:]
    for role in Role.allCases {
      named[role] =
        sources.lazy.compactMap { $0?.tokens[role] }.first ?? role.usual.map { Token(content: $0) }
    }
    let listed = try configuration?.addedTokensDecoder.map { try Self.numbered($0, path) }
    var declared = listed ?? model.declared
    if listed == nil, let added = try added() {
      let special = Set(named.values.map(\.content))
      for (content, id) in added {
        declared[id] = Token(content: content, normalized: !special.contains(content))
      }
    }
    let additional = sources.lazy.compactMap { $0?.additionalTokens }.first ?? []
    let tokens = Self.additions(declared: declared, named: named, additional: additional)
    addedTokens = try Self.identified(tokens, vocabulary, path)

    let ids = Dictionary(addedTokens.map { ($0.content, $0.id) }) { _, last in last }
    func id(_ role: Role) -> Int? { named[role].flatMap { ids[$0.content] } }
    endID = id(.end) ?? 0
    startID = id(.start) ?? endID
    paddingID = id(.padding) ?? endID
    unknownID = id(.unknown) ?? endID
    let length = [configuration?.maximumLength, map?.maximumLength].lazy.compactMap { $0 }.first
    // A number with thirty digits means that the length is not set.
    maximumLength = length.flatMap { (2...65_536.0).contains($0) ? Int($0) : nil } ?? 77
  }

  /// Returns all added tokens in the order of the reference.
  private static func additions(declared: [Int: Token], named: [Role: Token], additional: [Token]) -> [Token]
  {
    var additions = declared.sorted { $0.key < $1.key }.map(\.value)
    let listed = Set(additions.map(\.content))
    for role in Role.allCases {
      // The reference treats a string and an object as different tokens; the later one takes effect.
      guard let token = named[role], !listed.contains(token.content), !additions.contains(token) else {
        continue
      }
      additions.append(token)
    }
    for token in additional where !additions.contains(where: { $0.content == token.content }) {
      additions.append(token)
    }
    return additions
  }

  /// Assigns a number to each token: that in the vocabulary, or the next free one.
  private static func identified(
    _ tokens: [Token], _ vocabulary: [String: Int], _ path: String
  ) throws -> [AddedToken] {
    var identified: [AddedToken] = []
    var next = vocabulary.count
    for token in tokens where !token.content.isEmpty {
      guard !token.isPositional else {
        throw InputError(
          .unsupported,
          "The token \"\(token.content)\" of \(path) includes white space or matches only whole words "
            + "(lstrip, rstrip, single_word), which is not supported.")
      }
      let id = vocabulary[token.content] ?? identified.first { $0.content == token.content }?.id ?? next
      identified.removeAll { $0.content == token.content }
      identified.append(AddedToken(content: token.content, id: id, isNormalized: token.isNormalized))
      if id >= next { next = id + 1 }
    }
    return identified
  }

  /// Returns the tokens of an `added_tokens_decoder`, whose keys are numbers as strings.
  private static func numbered(_ tokens: [String: Token], _ path: String) throws -> [Int: Token] {
    var numbered: [Int: Token] = [:]
    for (key, token) in tokens {
      guard let id = Int(key) else {
        throw InputError(
          .malformed, "\"\(key)\" in \(path)/tokenizer_config.json is not the number of a token.")
      }
      numbered[id] = token
    }
    return numbered
  }
}

extension TokenizerFiles {
  /// The vocabulary, the merges and the declared added tokens.
  struct Model {
    var vocabulary: [String: Int]
    var merges: [(String, String)]
    var declared: [Int: TokenizerSettings.Token] = [:]
  }

  private static func existing(_ name: String, in folder: URL) -> URL? {
    let url = folder.appendingPathComponent(name)
    return FileManager.default.fileExists(atPath: url.path) ? url : nil
  }

  private static func decoded<T: Decodable>(_ type: T.Type, _ name: String, in folder: URL) throws -> T? {
    try existing(name, in: folder).map { try JSONFile.decode(type, from: $0) }
  }

  private static func model(in folder: URL) throws -> Model {
    if let whole = existing("tokenizer.json", in: folder) {
      return try model(in: whole.path, JSONFile.decode(WholeTokenizer.self, from: whole))
    }
    guard let vocabulary = try decoded([String: Int].self, "vocab.json", in: folder) else {
      throw InputError(.missing, "There is neither vocab.json nor tokenizer.json in \(folder.path).")
    }
    guard let merges = existing("merges.txt", in: folder) else {
      throw InputError(.missing, "\(folder.path) has a vocab.json, but no merges.txt.")
    }
    return Model(
      vocabulary: vocabulary, merges: try Self.merges(in: InputFile(merges).contents(), merges.path))
  }

  private static func model(in path: String, _ whole: WholeTokenizer) throws -> Model {
    if let type = whole.model.type, type != "BPE" {
      throw InputError(.unsupported, "\(path) is a tokenizer of type \(type), not BPE.")
    }
    let merges = try whole.model.merges.enumerated().map { number, merge in
      guard merge.parts.count == 2 else {
        throw InputError(.malformed, "Merge \(number + 1) of \(path) does not have two tokens.")
      }
      return (merge.parts[0], merge.parts[1])
    }
    let added = (whole.added_tokens ?? []).map { ($0.id, $0.token) }
    return Model(vocabulary: whole.model.vocab, merges: merges, declared: Dictionary(added) { $1 })
  }

  /// Returns the pairs of a `merges.txt`: a version line, then lines of two tokens.
  static func merges(in text: Data, _ path: String) throws -> [(String, String)] {
    try text.withUnsafeBytes { bytes in
      var merges: [(String, String)] = []
      for (number, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
        let line = line.last == 0x0d ? line.dropLast() : line
        if line.isEmpty || line.starts(with: "#version".utf8) { continue }
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
          throw InputError(
            .malformed, "Line \(number + 1) of \(path) is not two tokens separated by a space.")
        }
        merges.append((String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self)))
      }
      return merges
    }
  }
}

/// The relevant parts of a `tokenizer.json`.
private struct WholeTokenizer: Decodable {
  struct Model: Decodable {
    let type: String?
    let vocab: [String: Int]
    let merges: [Merge]
  }

  /// Two tokens, as a list or as a string with a space between them.
  struct Merge: Decodable {
    let parts: [String]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      } else {
        parts = try container.decode([String].self)
      }
    }
  }

  struct Added: Decodable {
    let id: Int
    let token: TokenizerSettings.Token

    private enum Key: CodingKey { case id }

    init(from decoder: any Decoder) throws {
      id = try decoder.container(keyedBy: Key.self).decode(Int.self, forKey: .id)
      token = try TokenizerSettings.Token(from: decoder)
    }
  }

  let model: Model
  let added_tokens: [Added]?
}
