package import Tensor

/// The matrix that maps source tokens to target tokens when words are replaced one by one.
///
/// The words of the two prompts are paired in order. Words with the same number of tokens are paired token by token.
/// Otherwise each token of the target's word receives the sum over the source's word, divided by the number of the
/// target's tokens. Start, end and padding tokens are paired in order, counted from the end of the last word in each
/// prompt.
///
/// The published code pairs all tokens after the last changed word by their position in the target. If token counts
/// differ, this is off by the difference, and a shorter target leaves columns empty. Here, the tail begins after the
/// last word of each prompt, and the last padding tokens of a shorter target read the source's last token.
package struct ReplacementMapper: Sendable, Equatable {
  /// The share of each source token (row) in each target token (column).
  package let matrix: Tensor

  /// Maps `source` to `target`, padded to `length` tokens.
  ///
  /// - Throws: `InputError` of kind `mismatch` if the prompts have different numbers of words.
  package init(from source: PromptWords, to target: PromptWords, length: Int) throws {
    guard source.words.count == target.words.count else {
      throw InputError(
        .mismatch,
        "Replacement needs the same number of words in both prompts, but \"\(source.prompt.text)\" has \(source.words.count) "
          + "and \"\(target.prompt.text)\" has \(target.words.count). Use refine instead.")
    }
    precondition(
      source.prompt.count <= length && target.prompt.count <= length, "a prompt of more than \(length) tokens"
    )
    var matrix = Tensor(zeros: [length, length])
    matrix.withMutableScalars { shares in
      shares[0] = 1
      for (old, new) in zip(source.words, target.words) {
        if old.tokens.count == new.tokens.count {
          for (row, column) in zip(old.tokens, new.tokens) { shares[row * length + column] = 1 }
        } else {
          for row in old.tokens {
            for column in new.tokens { shares[row * length + column] = 1 / Float(new.tokens.count) }
          }
        }
      }
      let offset = (source.words.last?.tokens.upperBound ?? 1, target.words.last?.tokens.upperBound ?? 1)
      for column in offset.1..<length {
        let row = min(offset.0 + column - offset.1, length - 1)
        shares[row * length + column] = 1
      }
    }
    self.matrix = matrix
  }
}
