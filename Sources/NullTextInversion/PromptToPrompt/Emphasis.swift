/// A factor for the attention to a word of the target prompt.
///
/// The word's attention is multiplied by the weight in the steps of its cross-attention window: 2 doubles it, 0
/// removes it, and a negative weight reverses its effect.
public struct Emphasis: Sendable, Hashable, Codable {
  /// The word or phrase.
  public var word: String

  /// The factor; 1 has no effect.
  public var weight: Float

  /// Creates an emphasis.
  public init(_ word: String, _ weight: Float) {
    self.word = word
    self.weight = weight
  }

  /// Parses a word and its weight as written on the command line: `silver=2`.
  ///
  /// - Throws: `InputError` of kind `malformed` if the word or the number is missing.
  public init(parsing text: String) throws {
    guard let (word, value) = text.assignment, let weight = Float(value) else {
      throw InputError(
        .malformed, "\"\(text)\" is not a word with a weight. Write it as in silver=2 or snow=-1.5.")
    }
    self.init(word, weight)
  }
}

extension [Emphasis] {
  /// Returns the factor of each token of the target prompt; if a word occurs twice, the last weight applies.
  ///
  /// - Throws: `InputError`: `mismatch` if a word is not in the prompt, `outOfRange` if a weight is not finite.
  package func equalizer(target: PromptWords, length: Int) throws -> [Float] {
    var factors = [Float](repeating: 1, count: length)
    for emphasis in self {
      guard emphasis.weight.isFinite else {
        throw InputError(
          .outOfRange,
          "The weight of \"\(emphasis.word)\" is \(emphasis.weight), but must be a finite number.")
      }
      for token in try target.tokens(of: emphasis.word, as: "word to emphasize") {
        factors[token] = emphasis.weight
      }
    }
    return factors
  }
}
