internal import CLIPVocabulary
internal import Foundation

/// What fills up texts in the tokenizers of Stable Diffusion.
enum StandardPadding: String {
  /// The first generation.
  case end = "<|endoftext|>"
  /// The second.
  case exclamationMark = "!"
}

extension TokenizerFiles {
  private static let path = "the bundled vocabulary"

  /// The number of tokens of CLIP.
  static let standardCount = 49_408

  /// The whole vocabulary of CLIP: the bytes, the same at the end of a word, a token for each merge, start and end.
  ///
  /// - Throws: `InputError` if the resources of this package are not there or damaged.
  static func standard(_ padding: StandardPadding) throws -> TokenizerFiles {
    let merges = try merges(in: CLIPVocabulary.merges(), path)
    let settings = try JSONFile.decode(
      TokenizerSettings.self, from: JSONValue.object(settings(padding)).json, path: path)
    return try TokenizerFiles(
      Model(vocabulary: vocabulary(merges), merges: merges), configuration: settings, map: settings,
      added: nil,
      path: path)
  }

  /// The same as files.
  ///
  /// - Throws: as `standard(_:)`.
  static func standardFiles(_ padding: StandardPadding) throws -> [String: Data] {
    let merges = try CLIPVocabulary.merges()
    let vocabulary = vocabulary(try Self.merges(in: merges, path)).mapValues { JSONValue.number($0) }
    let settings = settings(padding)
    return [
      "merges.txt": merges, "vocab.json": try JSONValue.object(vocabulary).json,
      "tokenizer_config.json": try JSONValue.object(settings.merging(lengths) { $1 }).json,
      "special_tokens_map.json": try JSONValue.object(settings).json,
    ]
  }

  private static func vocabulary(_ merges: [(String, String)]) -> [String: Int] {
    // Printable bytes stand for themselves and come first.
    let characters = ByteAlphabet.characters
    let bytes = (characters.filter { $0.value < 0x100 } + characters.filter { $0.value >= 0x100 }).map {
      String($0)
    }
    let tokens =
      bytes + bytes.map { $0 + BytePairEncoder.endOfWord } + merges.map { $0.0 + $0.1 }
      + ["<|startoftext|>", "<|endoftext|>"]
    return Dictionary(zip(tokens, tokens.indices)) { first, _ in first }
  }

  private static func settings(_ padding: StandardPadding) -> [String: JSONValue] {
    [
      "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
      "pad_token": .string(padding.rawValue),
    ]
  }

  private static let lengths: [String: JSONValue] = [
    "model_max_length": 77, "do_lower_case": true, "tokenizer_class": "CLIPTokenizer",
  ]
}
