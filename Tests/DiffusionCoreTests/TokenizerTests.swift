import DiffusionCore
import Foundation
import TestSupport
import Testing

/// The results of transformers' `CLIPTokenizer` (`Tools/write_tokenizer_fixtures.py`).
struct GoldenTokens: Decodable, Sendable {
  struct Encoded: Decodable, Sendable {
    let text: String
    let ids: [Int]
    /// The range of scalars that each token came from.
    let ranges: [Range<Int>]

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      text = try container.decode(String.self)
      ids = try container.decode([Int].self)
      let ends = try container.decode([Int].self)
      ranges = stride(from: 0, to: ends.count, by: 2).map { ends[$0]..<ends[$0 + 1] }
    }
  }

  struct Decoded: Decodable, Sendable {
    let id: Int
    let text: String

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      id = try container.decode(Int.self)
      text = try container.decode(String.self)
    }
  }

  let start: Int
  let end: Int
  let padding: Int
  let length: Int
  let decoded: [Decoded]
  let texts: [Encoded]

  init(_ name: String) throws {
    let data = try Data(contentsOf: Fixtures.url("tokenizer/\(name).json"))
    self = try JSONDecoder().decode(Self.self, from: data)
  }
}

@Suite("CLIP tokenizer") struct TokenizerTests {
  static let demoFolder = Fixtures.url("../../Sources/EmojiScenes/Resources/tokenizer").standardizedFileURL
  static let demo = Result { try CLIPTokenizer(folder: demoFolder) }

  static func tokenizer(for golden: String) throws -> CLIPTokenizer {
    switch golden {
    case "tiny", "whole": try CLIPTokenizer(folder: Fixtures.url("tokenizer/\(golden)"))
    default: try demo.get()
    }
  }

  @Test(
    "every text has the tokens of transformers", arguments: ["demo", "random", "tiny", "whole"])
  func tokens(name: String) throws {
    let golden = try GoldenTokens(name)
    let tokenizer = try Self.tokenizer(for: name)
    #expect(tokenizer.startID == golden.start && tokenizer.endID == golden.end)
    #expect(tokenizer.paddingID == golden.padding && tokenizer.maximumLength == golden.length)
    for expected in golden.texts {
      #expect(tokenizer.tokenize(expected.text).ids == expected.ids, "\(expected.text.debugDescription)")
    }
  }

  @Test(
    "every token has the source range of transformers", arguments: ["demo", "random", "tiny", "whole"])
  func places(name: String) throws {
    let tokenizer = try Self.tokenizer(for: name)
    for expected in try GoldenTokens(name).texts {
      let ranges = tokenizer.tokenize(expected.text).ranges
      let length = expected.text.unicodeScalars.count
      #expect(ranges.allSatisfy { 0 <= $0.lowerBound && $0.upperBound <= length })
      #expect(zip(ranges.dropFirst(), ranges).allSatisfy { $0.lowerBound >= $1.lowerBound })
      // Composed scalars stay together here.
      let isPlain = expected.text.count == length
      for (range, place) in zip(ranges, expected.ranges).dropFirst().dropLast() {
        #expect(
          isPlain
            ? range == place : range.lowerBound <= place.lowerBound && range.upperBound >= place.upperBound,
          "\(expected.text.debugDescription) \(range) \(place)")
      }
    }
  }

  @Test("every token decodes as in transformers", arguments: ["demo", "tiny"])
  func decoding(name: String) throws {
    let tokenizer = try Self.tokenizer(for: name)
    for expected in try GoldenTokens(name).decoded {
      #expect(tokenizer.decode(expected.id).unicodeScalars.elementsEqual(expected.text.unicodeScalars))
    }
  }

  @Test("an id outside the vocabulary has no text")
  func strangers() throws {
    #expect(try Self.demo.get().decode(-1) == "")
    #expect(try Self.demo.get().decode(1 << 40) == "")
  }
}

@Suite("CLIP tokenizer: length") struct TokenizerLengthTests {
  @Test("a text is padded to the length of the encoder's input")
  func padding() throws {
    let tokenizer = try TokenizerTests.demo.get()
    let ids = try tokenizer.paddedIDs(of: "a cat")
    #expect(ids.count == 77)
    #expect(Array(ids.prefix(3)) == Array(try tokenizer.encode("a cat").ids.prefix(3)))
    #expect(ids.dropFirst(4).allSatisfy { $0 == tokenizer.endID })

    let tiny = try CLIPTokenizer(folder: Fixtures.url("tokenizer/tiny"))
    #expect(try tiny.paddedIDs(of: "") == [tiny.startID, tiny.endID] + Array(repeating: 0, count: 22))
  }

  @Test("the longest text that fits is accepted; the error for a longer one shows where it would be cut")
  func limit() throws {
    let tokenizer = try TokenizerTests.demo.get()
    let words = Array(repeating: "cat", count: 75).joined(separator: " ")
    #expect(try tokenizer.encode(words).count == 77)
    let error = #expect(throws: InputError.self) { try tokenizer.encode(words + " dog bird") }
    #expect(error?.kind == .outOfRange)
    #expect(error?.message.contains("79 tokens") == true && error?.message.contains("reads 77") == true)
    #expect(error?.message.contains("cat cat\"") == true)
  }

  @Test("a word of ten thousand letters is tokenized quickly")
  func longWord() throws {
    let tokenizer = try TokenizerTests.demo.get()
    let word = String((0..<2_000).flatMap { _ in "abcab" })
    let prompt = tokenizer.tokenize(word)
    let ends = prompt.ranges.dropFirst().dropLast()
    #expect(ends.first?.lowerBound == 0 && ends.last?.upperBound == word.count)
    #expect(zip(ends, ends.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
  }
}
