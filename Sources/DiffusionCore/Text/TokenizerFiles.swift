internal import Foundation

/// What the files of a `tokenizer` folder say.
struct TokenizerFiles {
  let vocabulary: [String: Int]
  let merges: [(String, String)]
  let addedTokens: [AddedToken]
  let startID: Int
  let endID: Int
  let paddingID: Int
  let unknownID: Int
  let maximumLength: Int

  /// Reads `tokenizer.json` if there is one, else `vocab.json` and `merges.txt`; and the settings beside them.
  init(_ folder: URL) throws {
    func existing(_ name: String) -> URL? {
      let url = folder.appendingPathComponent(name)
      return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }
    let configuration = try existing("tokenizer_config.json").map {
      try JSONFile.decode(TokenizerSettings.self, from: $0)
    }
    let map = try existing("special_tokens_map.json").map {
      try JSONFile.decode(TokenizerSettings.self, from: $0)
    }

    var declared: [Int: TokenizerSettings.Token] = [:]
    if let file = existing("tokenizer.json") {
      let whole = try JSONFile.decode(WholeTokenizer.self, from: file)
      guard whole.model.type ?? "BPE" == "BPE" else {
        throw InputError(
          .unsupported, "\(file.path) is a tokenizer of type \(whole.model.type ?? ""), not BPE.")
      }
      vocabulary = whole.model.vocab
      merges = try whole.model.merges.enumerated().map { try $1.pair(number: $0 + 1, path: file.path) }
      for token in whole.added_tokens ?? [] { declared[token.id] = token.token }
    } else {
      guard let words = existing("vocab.json") else {
        throw InputError(.missing, "There is neither vocab.json nor tokenizer.json in \(folder.path).")
      }
      guard let pairs = existing("merges.txt") else {
        throw InputError(.missing, "There is a vocab.json in \(folder.path), but no merges.txt beside it.")
      }
      vocabulary = try JSONFile.decode([String: Int].self, from: words)
      merges = try Self.merges(in: pairs)
    }
    guard !vocabulary.isEmpty, vocabulary.values.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
      throw InputError(
        .malformed, "The vocabulary in \(folder.path) is empty, or has numbers that cannot be tokens.")
    }

    // Settings of newer files list all added tokens, and are then complete without the map beside them.
    let isComplete = configuration?.addedTokensDecoder != nil
    if let listed = configuration?.addedTokensDecoder {
      declared = [:]
      for (id, token) in listed {
        guard let id = Int(id) else {
          throw InputError(
            .malformed, "\"\(id)\" in \(folder.path)/tokenizer_config.json is not the number of a token.")
        }
        declared[id] = token
      }
    } else if let file = existing("added_tokens.json") {
      for (content, id) in try JSONFile.decode([String: Int].self, from: file) {
        declared[id] = TokenizerSettings.Token(content: content, normalized: true)
      }
    }
    let sources = isComplete ? [configuration] : [map, configuration]
    func named(_ role: TokenizerSettings.Role) -> TokenizerSettings.Token? {
      let token = sources.lazy.compactMap { $0?.tokens[role] }.first
      return token.flatMap { token in declared.values.first { $0.content == token.content } ?? token }
    }
    func content(_ role: TokenizerSettings.Role) -> String { named(role)?.content ?? role.usual }

    var additions = declared.sorted { $0.key < $1.key }.map(\.value)
    let listed = Set(additions.map(\.content))
    for role in TokenizerSettings.Role.allCases {
      guard let token = named(role) ?? (role.usual.isEmpty ? nil : .init(content: role.usual)) else {
        continue
      }
      // The reference takes a token once as a string and once as an object; the later one counts.
      if !listed.contains(token.content), !additions.contains(token) { additions.append(token) }
    }
    for token in sources.lazy.compactMap({ $0?.additionalTokens }).first ?? []
    where !additions.contains(where: { $0.content == token.content }) {
      additions.append(token)
    }
    addedTokens = try Self.numbered(additions, vocabulary, folder.path)

    let ids = Dictionary(addedTokens.map { ($0.content, $0.id) }) { _, last in last }
    endID = ids[content(.end)] ?? 0
    startID = ids[content(.start)] ?? endID
    paddingID = ids[content(.padding)] ?? endID
    unknownID = ids[content(.unknown)] ?? endID
    let length = [configuration?.maximumLength, map?.maximumLength].lazy.compactMap { $0 }.first
    // Absent is written as a number with thirty digits.
    maximumLength = length.flatMap { (2...65_536.0).contains($0) ? Int($0) : nil } ?? 77
  }

  /// Gives each token its number: the vocabulary's, or the next one beyond it.
  private static func numbered(
    _ tokens: [TokenizerSettings.Token], _ vocabulary: [String: Int], _ path: String
  ) throws -> [AddedToken] {
    var numbered: [AddedToken] = []
    var next = vocabulary.count
    for token in tokens where !token.content.isEmpty {
      guard !token.isPositional else {
        throw InputError(
          .unsupported,
          "The token \"\(token.content)\" of \(path) takes in white space or only whole words "
            + "(lstrip, rstrip, single_word), which is not supported.")
      }
      let known = vocabulary[token.content] ?? numbered.first { $0.content == token.content }?.id
      numbered.removeAll { $0.content == token.content }
      numbered.append(AddedToken(content: token.content, id: known ?? next, isNormalized: token.isNormalized))
      if let id = numbered.last?.id, id >= next { next = id + 1 }
    }
    return numbered
  }

  /// The pairs of a `merges.txt`: two tokens a line, after a line with the version.
  private static func merges(in url: URL) throws -> [(String, String)] {
    let file = try MappedFile(url)
    return try withExtendedLifetime(file) {
      var merges: [(String, String)] = []
      for (number, line) in file.bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
        let line = line.last == 0x0d ? line.dropLast() : line
        if line.isEmpty || line.starts(with: "#version".utf8) { continue }
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
          throw InputError(
            .malformed, "Line \(number + 1) of \(url.path) is not two tokens with a space between.")
        }
        merges.append((String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self)))
      }
      return merges
    }
  }
}

/// The parts of a `tokenizer.json` that are of use.
private struct WholeTokenizer: Decodable {
  struct Model: Decodable {
    let type: String?
    let vocab: [String: Int]
    let merges: [Merge]
  }

  /// Two tokens, as a list or in one string with a space between.
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

    func pair(number: Int, path: String) throws -> (String, String) {
      guard parts.count == 2 else {
        throw InputError(.malformed, "Merge \(number) of \(path) is not of two tokens.")
      }
      return (parts[0], parts[1])
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
