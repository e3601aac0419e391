import DiffusionCore
import NullTextInversion
import Tensor
import Testing

/// A prompt in `Tests/Fixtures/golden/mappers.json`: words and tokens, without their ranges in the text.
struct GoldenPrompt: Decodable {
  let text: String
  let ids: [Int]

  private struct Word: Decodable {
    let text: String
    let tokens: [Int]

    init(from decoder: any Decoder) throws {
      var pair = try decoder.unkeyedContainer()
      text = try pair.decode(String.self)
      tokens = try pair.decode([Int].self)
    }
  }
  private let words: [Word]

  /// The words, with their tokens distributed over the letters.
  var prompt: PromptWords {
    var ranges = Array(repeating: 0..<0, count: ids.count)
    var start = 0
    for word in words {
      let length = word.text.unicodeScalars.count
      for (piece, token) in word.tokens.enumerated() {
        ranges[token] = start + min(piece, length - 1)..<start + min(piece + 1, length)
      }
      start += length + 1
    }
    return PromptWords(TokenizedPrompt(text: text, ids: ids, ranges: ranges))
  }
}

@Suite("Token mappers") struct MapperTests {
  private struct Golden: Decodable {
    struct Pair: Decodable {
      struct Refinement: Decodable {
        let map: [Int]
        let kept: [Float]
      }
      let source: GoldenPrompt
      let target: GoldenPrompt
      let refinement: Refinement
      let replacement: [[Float]]?
    }
    let pairs: [Pair]
  }

  @Test("both mappers equal the reference's for every pair of the golden file")
  func golden() throws {
    let pairs = try fixture("golden/mappers.json", as: Golden.self).pairs
    #expect(pairs.count >= 20)
    for pair in pairs {
      let (source, target) = (pair.source.prompt, pair.target.prompt)
      let refinement = RefinementMapper(from: source.prompt, to: target.prompt)
      #expect(refinement.sources == pair.refinement.map, "\(pair.source.text) -> \(pair.target.text)")
      #expect(refinement.alphas == pair.refinement.kept)
      guard let entries = pair.replacement else {
        #expect(throws: InputError.self) { try ReplacementMapper(from: source, to: target) }
        continue
      }
      let matrix = try ReplacementMapper(from: source, to: target).matrix
      var expected = [Float](repeating: 0, count: 77 * 77)
      for entry in entries { expected[Int(entry[0]) * 77 + Int(entry[1])] = entry[2] }
      let worst = zip(matrix.scalars, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst < 1e-7, "\(pair.source.text) -> \(pair.target.text)")
    }
  }

  @Test(
    "word-level alignments equal those computed by hand",
    arguments: [
      (
        "a cat sitting next to a mirror", "a silver cat sculpture sitting next to a mirror",
        [0, 1, -1, 2, -1, 3, 4, 5, 6, 7, 8]
      ),
      (
        "a cat sitting next to a mirror", "watercolor painting of a cat sitting next to a mirror",
        [0, -1, -1, -1, 1, 2, 3, 4, 5, 6, 7, 8]
      ),
      ("a photo of a cat", "a photo of a dog", [0, 1, 2, 3, 4, -1, 6]),
      ("a a b", "a b", [0, 1, 3, 4]),
      ("a b a", "b a a", [0, 2, 3, -1, 4]),
      ("the dog and the cat", "the cat", [0, 1, 5, 6]),
      ("cat dog", "dog cat", [0, 2, -1, 3]), ("cat dog cat owl", "owl dog cat", [0, -1, 2, 3, 5]),
      ("cat", "dog", [0, -1, 2]),
      ("", "cat", [0, -1, 1]),
      ("cat", "", [0, 2]),
    ])
  func alignment(source: String, target: String, expected: [Int]) {
    let mapper = RefinementMapper(from: toy(source).prompt, to: toy(target).prompt)
    #expect(mapper.sources == expected + (expected.count..<77))
    #expect(mapper.alphas == mapper.sources.map { $0 == -1 ? 0 : 1 })
  }

  @Test("words with equal numbers of tokens are replaced by the identity")
  func identity() throws {
    for (source, target) in [
      ("a cat on grass", "a dog on grass"), ("cat", "dog"), ("", ""), ("a cat", "a cat "),
    ] {
      let matrix = try ReplacementMapper(from: toy(source), to: toy(target)).matrix
      for row in 0..<77 { for column in 0..<77 { #expect(matrix[row, column] == (row == column ? 1 : 0)) } }
    }
  }

  /// Returns the rows that a column reads, with their shares.
  private func column(_ matrix: Tensor, _ column: Int) -> [Int: Float] {
    var read: [Int: Float] = [:]
    for row in 0..<77 where matrix[row, column] != 0 { read[row] = matrix[row, column] }
    return read
  }

  @Test("a word with more tokens divides the old word's attention, and the following words keep theirs")
  func longerWord() throws {
    let matrix = try ReplacementMapper(from: toy("a cat x y"), to: toy("a b x y", pieces: ["b": 2])).matrix
    #expect(column(matrix, 1) == [1: 1])
    #expect(column(matrix, 2) == [2: 0.5])
    #expect(column(matrix, 3) == [2: 0.5])
    for j in 4..<77 { #expect(column(matrix, j) == [j - 1: 1]) }
  }

  @Test("a word with fewer tokens sums the old word's attention, and the last padding token repeats")
  func shorterWord() throws {
    let matrix = try ReplacementMapper(from: toy("a cat x y", pieces: ["cat": 3]), to: toy("a b x y")).matrix
    #expect(column(matrix, 2) == [2: 1, 3: 1, 4: 1])
    for j in 3..<75 { #expect(column(matrix, j) == [j + 2: 1]) }
    #expect(column(matrix, 75) == [76: 1])
    #expect(column(matrix, 76) == [76: 1])
  }

  @Test("capitals, double spaces and repeated words do not affect a replacement")
  func tolerant() throws {
    let matrix = try ReplacementMapper(
      from: toy("A cat  and a cat", pieces: ["cat": 2]), to: toy("a dog and a dog ", pieces: ["dog": 1])
    ).matrix
    #expect(column(matrix, 1) == [1: 1])
    #expect(column(matrix, 2) == [2: 1, 3: 1])
    #expect(column(matrix, 3) == [4: 1])
    #expect(column(matrix, 5) == [6: 1, 7: 1])
    #expect(column(matrix, 6) == [8: 1])
  }

  @Test("prompts with different numbers of words cannot be replaced, and the error gives the numbers")
  func countsDiffer() {
    let error = #expect(throws: InputError.self) {
      try ReplacementMapper(from: toy("a cat"), to: toy("a big cat"))
    }
    #expect(error?.kind == .mismatch)
    #expect(error?.message.contains("\"a cat\" has 2 and \"a big cat\" has 3") == true)
  }

  @Test("replacement is chosen if both prompts have the same number of words, refinement otherwise")
  func choice() throws {
    #expect(ControllerChoice.auto.resolved(source: toy("a cat"), target: toy("a  dog ")) == .replace)
    #expect(ControllerChoice.auto.resolved(source: toy("a cat"), target: toy("a cat")) == .replace)
    #expect(ControllerChoice.auto.resolved(source: toy("a cat"), target: toy("a big cat")) == .refine)
    #expect(ControllerChoice.refine.resolved(source: toy("a cat"), target: toy("a dog")) == .refine)
    #expect(throws: InputError.self) {
      try PromptAlignment(source: toy("a cat"), target: toy("a big cat"), controller: .replace)
    }
    guard
      case .refinement = try PromptAlignment(source: toy("a cat"), target: toy("a dog"), controller: .refine)
    else {
      Issue.record("expected a refinement")
      return
    }
  }
}
