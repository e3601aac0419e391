import DiffusionCore
import Foundation
import TestSupport
import Testing

@Suite("CLIP tokenizer: files") struct TokenizerFilesTests {
  /// Returns a copy of the tiny tokenizer with some files changed, or removed if nil.
  private func tokenizer(_ changes: [String: String?]) throws -> CLIPTokenizer {
    let folder = try ScratchFolder()
    let tiny = Fixtures.url("tokenizer/tiny")
    for name in ["vocab.json", "merges.txt", "tokenizer_config.json"] where changes[name] == nil {
      try FileManager.default.copyItem(at: tiny.appending(path: name), to: folder(name))
    }
    for case (let name, let content?) in changes { _ = try folder.file(name, content.utf8) }
    return try CLIPTokenizer(folder: folder.url)
  }

  private func failure(_ changes: [String: String?]) -> InputError? {
    do {
      _ = try tokenizer(changes)
      return nil
    } catch {
      return error as? InputError
    }
  }

  @Test("the error for a missing or damaged file names it")
  func broken() {
    let missingVocabulary = failure(["vocab.json": nil])
    #expect(missingVocabulary?.kind == .missing && missingVocabulary?.message.contains("vocab.json") == true)
    let missingMerges = failure(["merges.txt": nil])
    #expect(missingMerges?.kind == .missing && missingMerges?.message.contains("merges.txt") == true)
    for (name, content, word) in [
      ("vocab.json", "{\"a\": 1", "not valid JSON"), ("vocab.json", "[]", "vocab.json"),
      ("vocab.json", "{}", "empty"), ("vocab.json", "{\"a\": -1}", "numbers"),
      ("vocab.json", "{\"a\": 99999999999}", "numbers"), ("vocab.json", "{\"a\": \"b\"}", "\"a\""),
      ("merges.txt", "#version: 0.2\nt h\nthe\n", "Line 3"), ("merges.txt", "a b c\n", "Line 1"),
      ("merges.txt", "q q\n", "\"qq\""), ("tokenizer_config.json", "{", "tokenizer_config.json"),
      ("tokenizer_config.json", "{\"pad_token\": 3}", "pad_token"),
      ("tokenizer_config.json", "{\"pad_token\": {\"content\": \"a\", \"lstrip\": true}}", "lstrip"),
      ("tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": \"a\"}}", "\"x\""),
      ("tokenizer.json", "{}", "model"),
      (
        "tokenizer.json", "{\"model\": {\"type\": \"WordPiece\", \"vocab\": {}, \"merges\": []}}", "WordPiece"
      ),
      ("tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"a\"]}}", "Merge 1"),
    ] {
      let error = failure([name: content])
      #expect(
        error != nil && error?.message.contains(word) == true, "\(name) \(content): \(error?.message ?? "-")")
    }
  }

  @Test("special tokens and length have defaults without settings")
  func defaults() throws {
    let tokenizer = try tokenizer(["tokenizer_config.json": nil])
    #expect(tokenizer.decode(tokenizer.startID) == "<|startoftext|>")
    #expect(tokenizer.decode(tokenizer.endID) == "<|endoftext|>")
    #expect(tokenizer.paddingID == tokenizer.endID && tokenizer.maximumLength == 77)
  }

  // The behavior of transformers 5 in each case.
  @Test(
    "the padding token comes from the map, else from the settings; complete settings need no map",
    arguments: [
      (#"{"pad_token": "a"}"#, nil, "a"), (#"{"pad_token": "a"}"#, #"{"pad_token": "b"}"#, "b"),
      (#"{"pad_token": {"content": "a"}}"#, #"{}"#, "a"), (#"{}"#, #"{"pad_token": {"content": "b"}}"#, "b"),
      (#"{"pad_token": "a", "added_tokens_decoder": {}}"#, #"{"pad_token": "b"}"#, "a"),
      (#"{"pad_token": "a"}"#, #"{"pad_token": null}"#, "a"), (#"{}"#, nil, "<|endoftext|>"),
    ] as [(String, String?, String)])
  func padding(settings: String, map: String?, expected: String) throws {
    let tokenizer = try tokenizer(["tokenizer_config.json": settings, "special_tokens_map.json": map])
    #expect(tokenizer.decode(tokenizer.paddingID) == expected)
    // A padding token is a special token everywhere in a text.
    #expect(tokenizer.tokenize("h\(expected)h").ids.filter { $0 == tokenizer.paddingID }.count >= 1)
  }

  @Test("merges can have Windows line ends and no final line feed")
  func lineEnds() throws {
    let path = Fixtures.url("tokenizer/tiny/merges.txt")
    let merges = try String(contentsOf: path, encoding: .utf8)
    let windows = merges.replacing("\n", with: "\r\n").dropLast()
    let text = "the cats sitting"
    #expect(
      try tokenizer(["merges.txt": String(windows)]).encode(text).ids == tokenizer([:]).encode(text).ids)
  }
}
