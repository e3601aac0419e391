internal import CLIPVocabulary
internal import Foundation

/// The padding tokens of Stable Diffusion's tokenizers.
enum StandardPadding: String {
  /// The padding of Stable Diffusion 1.
  case end = "<|endoftext|>"
  /// The padding of Stable Diffusion 2.
  case exclamationMark = "!"
}

extension TokenizerFiles {
  private static let path = "the bundled vocabulary"

  /// The number of tokens in CLIP's vocabulary.
  static let standardCount = 49_408

  /// Returns CLIP's tokenizer: the tokens of single bytes, of bytes at the end of a word, of each merge, and of start
  /// and end.
  ///
  /// - Throws: `InputError` if the resources of this package are missing or damaged.
  static func standard(_ padding: StandardPadding) throws -> TokenizerFiles {
    let merges = try merges(in: CLIPVocabulary.merges(), path)
    let settings = try JSONFile.decode(
      TokenizerSettings.self, from: JSONValue.object(settings(padding)).json, path: path)
    return try TokenizerFiles(
      Model(vocabulary: vocabulary(merges), merges: merges), configuration: settings, map: settings,
      added: nil,
      path: path)
  }

  /// Returns the files of CLIP's tokenizer, by name.
  ///
  /// - Throws: The errors of `standard(_:)`.
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
    // Bytes that represent themselves come first.
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
