package import Tensor

/// Which tokens of the source prompt give a token of the target its attention when words are replaced one by one.
///
/// The words of the two prompts are paired in order. Words of as many tokens are paired token by token; where the
/// counts differ, each token of the target's word receives the sum over the source's word, divided by the number of tokens that
/// share it. Start, end and padding tokens follow each other, counted from the last word on in each prompt.
///
/// The published code pairs everything after the last changed word by the position in the target alone, which is off
/// by the difference where token counts differ, and leaves columns empty where the target is shorter; here the tail
/// starts behind the words of either prompt, and the last paddings of a shorter target read the source's last one.
package struct ReplacementMapper: Sendable, Equatable {
  /// The share of each source token (row) in each target token (column).
  package let matrix: Tensor

  /// The map from `source` to `target` in sequences of `length` tokens.
  ///
  /// - Throws: `InputError` of kind `mismatch` if the prompts differ in their number of words.
  package init(from source: PromptWords, to target: PromptWords, length: Int) throws {
    guard source.words.count == target.words.count else {
      throw InputError(
        .mismatch,
        "Replacing words needs as many in both prompts, but \"\(source.prompt.text)\" has \(source.words.count) "
          + "and \"\(target.prompt.text)\" \(target.words.count); refine the prompt instead.")
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
