import DiffusionCore
import Foundation
import NullTextInversion
import Tensor

/// Reads a file of `Tests/Fixtures`.
func fixture<T: Decodable>(_ path: String, as type: T.Type = T.self) throws -> T {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  return try JSONDecoder().decode(T.self, from: Data(contentsOf: folder.appending(path: "Fixtures/\(path)")))
}

/// A text with its tokens, as stored in the fixtures.
struct CodedPrompt: Decodable {
  let text: String
  let ids: [Int]
  let ranges: [[Int]]

  var prompt: TokenizedPrompt { TokenizedPrompt(text: text, ids: ids, ranges: ranges.map { $0[0]..<$0[1] }) }
  var words: PromptWords { PromptWords(prompt) }
}

/// Returns the words of a text with one token each, or the numbers in `pieces`; equal words have equal tokens.
func toy(_ text: String, pieces: [String: Int] = [:]) -> PromptWords {
  let scalars = Array(text.unicodeScalars)
  var (ids, ranges) = ([0], [0..<0])
  for word in scalars.indices.split(whereSeparator: { scalars[$0] == " " }) {
    let letters = scalars[word.startIndex..<word.endIndex]
    let count = pieces[String(String.UnicodeScalarView(letters)).lowercased()] ?? 1
    let hash = letters.reduce(7) {
      ($0 * 31 + Int($1.properties.lowercaseMapping.unicodeScalars.first?.value ?? 0)) % 999_983
    }
    for piece in 0..<count {
      ids.append(10 * hash + 10 + piece)
      ranges.append(
        word.startIndex + piece..<(piece == count - 1 ? word.endIndex : word.startIndex + piece + 1))
    }
  }
  return PromptWords(TokenizedPrompt(text: text, ids: ids + [1], ranges: ranges + [0..<0]))
}

// All texts of these tests are padded to 77 tokens.

extension RefinementMapper {
  init(from source: TokenizedPrompt, to target: TokenizedPrompt) {
    self.init(from: source, to: target, length: 77)
  }
}

extension ReplacementMapper {
  init(from source: PromptWords, to target: PromptWords) throws {
    try self.init(from: source, to: target, length: 77)
  }
}

extension PromptAlignment {
  init(source: PromptWords, target: PromptWords, controller: ControllerChoice) throws {
    try self.init(source: source, target: target, controller: controller, length: 77)
  }
}

extension CrossAttentionSchedule {
  init(_ common: StepWindow = .all, words: [WordWindow], target: PromptWords, steps: Int) throws {
    try self.init(common, words: words, target: target, steps: steps, length: 77)
  }
}

extension [Emphasis] {
  func equalizer(target: PromptWords) throws -> [Float] { try equalizer(target: target, length: 77) }
}

extension AttentionEdit {
  init(
    from source: PromptWords, to target: PromptWords, steps: Int,
    _ settings: PromptToPrompt = PromptToPrompt()
  ) throws {
    try self.init(
      settings, EditScene(source: source, target: target, stepCount: steps, textLength: 77))
  }
}

/// The random numbers of `Tools/write_words_fixtures.py`, which generated the attention.
struct Noise {
  private var state: UInt32

  init(seed: Int) { state = UInt32(seed) }

  mutating func tensor(_ shape: [Int]) -> Tensor {
    Tensor(
      (0..<shape.reduce(1, *)).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(state >> 8) / 16_777_216
      }, shape: shape)
  }
}

extension Tensor {
  /// Returns an element of a matrix.
  subscript(row: Int, column: Int) -> Float { scalars[row * rowLength + column] }
}
