internal import DiffusionCore
internal import NullTextInversion

/// Checks the words of an edit's options against the two prompts, before the networks are read.
struct WordCheck {
  let source: PromptWords
  let target: PromptWords
  /// The number of tokens of a padded text.
  let textLength: Int

  /// Checks the options of an edit.
  ///
  /// - Throws: `InputError` if a word is not in its prompt, or if the control cannot match the prompts.
  func check(_ options: EditOptions, steps: Int) throws {
    _ = try options.control.policy.begin(
      EditScene(source: source, target: target, stepCount: steps, textLength: textLength))
    guard let blend = options.blend else { return }
    for (words, role) in [
      (blend.words, "word to blend"), (blend.subtracted, "word to subtract from the blend"),
    ] {
      _ = try source.tokens(ofAny: words.source, as: role)
      _ = try target.tokens(ofAny: words.target, as: role)
    }
  }
}
