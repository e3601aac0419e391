/// How much more, or less, the picture shall attend to a word of the target prompt.
///
/// The word's attention is multiplied by the weight in the steps in which it comes from the source: 2 doubles it, 0
/// takes it away, a negative weight turns it against the word.
public struct Emphasis: Sendable, Hashable, Codable {
  /// The word, or several that follow each other.
  public var word: String

  /// The factor; 1 changes nothing.
  public var weight: Float

  /// A word and its weight.
  public init(_ word: String, _ weight: Float) {
    self.word = word
    self.weight = weight
  }

  /// A word and its weight as written on the command line: `silver=2`.
  ///
  /// - Throws: `InputError` of kind `malformed` if there is no word or no number.
  public init(parsing text: String) throws {
    guard let (word, value) = text.assignment, let weight = Float(value) else {
      throw InputError(
        .malformed, "\"\(text)\" is not a word with its weight; write it like silver=2 or snow=-1.5.")
    }
    self.init(word, weight)
  }
}

extension [Emphasis] {
  /// The factor of each token of the target prompt; a word named again takes its last weight.
  ///
  /// - Throws: `InputError`: `mismatch` if a word is not in the prompt, `outOfRange` if a weight is not finite.
  package func equalizer(target: PromptWords, length: Int) throws -> [Float] {
    var factors = [Float](repeating: 1, count: length)
    for emphasis in self {
      guard emphasis.weight.isFinite else {
        throw InputError(
          .outOfRange, "The weight of \"\(emphasis.word)\" is \(emphasis.weight); give a finite number.")
      }
      for token in try target.tokens(of: emphasis.word, as: "word to emphasise") {
        factors[token] = emphasis.weight
      }
    }
    return factors
  }
}
