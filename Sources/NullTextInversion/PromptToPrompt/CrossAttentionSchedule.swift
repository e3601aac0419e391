/// A word of the target prompt with its own cross-attention steps.
public struct WordWindow: Sendable, Hashable, Codable {
  /// The word or phrase.
  public var word: String

  /// The steps in which the word uses the source's cross-attention.
  public var window: StepWindow

  /// Creates a word window.
  public init(_ word: String, _ window: StepWindow) {
    self.word = word
    self.window = window
  }

  /// Parses a word and its steps as written on the command line: `lion=0.4` or `lion=0.1:0.5`.
  ///
  /// - Throws: `InputError` if the word or the window is missing or invalid.
  public init(parsing text: String) throws {
    guard let (word, value) = text.assignment else {
      throw InputError(
        .malformed, "\"\(text)\" is not a word with a step window. Write it as in lion=0.4 or lion=0.1:0.5.")
    }
    self.init(word, try StepWindow(parsing: value))
  }
}

/// The steps in which each token of the target prompt uses the source's cross-attention.
///
/// The table has `steps` + 1 rows, as published: fractions refer to this number, and the last row is never used. With
/// 50 steps, 0.8 therefore means the first 40 steps, and 1.0 means all 50.
package struct CrossAttentionSchedule: Sendable, Equatable {
  /// For each step, plus one row: 1 for each token that uses the source's attention, 0 for the others.
  package let alphas: [[Float]]

  /// Creates the schedule: `common` for every token, then each word's window for its tokens, in order.
  ///
  /// - Throws: `InputError` of kind `mismatch` if a word is not in the prompt.
  package init(
    _ common: StepWindow = .all, words: [WordWindow] = [], target: PromptWords, steps: Int, length: Int
  ) throws {
    let rows = steps + 1
    let everywhere = common.steps(of: rows)
    var alphas = (0..<rows).map { [Float](repeating: everywhere.contains($0) ? 1 : 0, count: length) }
    for word in words {
      let tokens = try target.tokens(of: word.word, as: "word with a step window")
      let active = word.window.steps(of: rows)
      for row in alphas.indices {
        for token in tokens { alphas[row][token] = active.contains(row) ? 1 : 0 }
      }
    }
    self.alphas = alphas
  }
}

extension String {
  /// The parts of `name=value`, split at the last equals sign; nil if either part is empty.
  var assignment: (name: String, value: String)? {
    guard let sign = lastIndex(of: "=") else { return nil }
    let (name, value) = (self[..<sign].trimmingSpaces, self[index(after: sign)...].trimmingSpaces)
    return name.isEmpty || value.isEmpty ? nil : (name, value)
  }
}
