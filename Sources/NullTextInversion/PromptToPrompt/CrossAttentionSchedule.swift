/// A word of the target prompt with cross-attention steps of its own.
public struct WordWindow: Sendable, Hashable, Codable {
  /// The word, or several that follow each other.
  public var word: String

  /// The steps in which its attention comes from the source.
  public var window: StepWindow

  /// A word and its steps.
  public init(_ word: String, _ window: StepWindow) {
    self.word = word
    self.window = window
  }

  /// A word and its steps as written on the command line: `lion=0.4`, or `lion=0.1:0.5`.
  ///
  /// - Throws: `InputError` if there is no word or no window.
  public init(parsing text: String) throws {
    guard let (word, value) = text.assignment else {
      throw InputError(
        .malformed, "\"\(text)\" is not a word with its window; write it like lion=0.4 or lion=0.1:0.5.")
    }
    self.init(word, try StepWindow(parsing: value))
  }
}

/// In which steps each token of the target prompt takes its cross-attention from the source.
///
/// A table of `steps` + 1 rows, as published: fractions are of that number, and the last row is never used. With 50
/// steps 0.8 therefore means the first 40, and 1.0 all 50.
package struct CrossAttentionSchedule: Sendable, Equatable {
  /// For each step, and one more, a share for each token: 1 where the source's attention is taken, else 0.
  package let alphas: [[Float]]

  /// The schedule of a target prompt: `common` for every token, then each word's window in its place, in order.
  ///
  /// - Throws: `InputError` of kind `mismatch` if a word is not in the prompt.
  package init(
    _ common: StepWindow = .all, words: [WordWindow] = [], target: PromptWords, steps: Int, length: Int
  ) throws {
    let rows = steps + 1
    let everywhere = common.steps(of: rows)
    var alphas = (0..<rows).map { [Float](repeating: everywhere.contains($0) ? 1 : 0, count: length) }
    for word in words {
      let tokens = try target.tokens(of: word.word, as: "word with a window of its own")
      let active = word.window.steps(of: rows)
      for row in alphas.indices {
        for token in tokens { alphas[row][token] = active.contains(row) ? 1 : 0 }
      }
    }
    self.alphas = alphas
  }
}

extension String {
  /// The name and the value of `name=value`, cut at the last equals sign, neither of them empty.
  var assignment: (name: String, value: String)? {
    guard let sign = lastIndex(of: "=") else { return nil }
    let (name, value) = (self[..<sign].trimmingSpaces, self[index(after: sign)...].trimmingSpaces)
    return name.isEmpty || value.isEmpty ? nil : (name, value)
  }
}
