internal import DiffusionCore
internal import NullTextInversion

/// Checks what an edit asks of the words of two prompts, before the networks are read.
struct WordCheck {
  let source: PromptWords
  let target: PromptWords

  /// - Throws: `InputError` if a word is not in its prompt, or the prompts cannot be matched as the options say.
  func check(_ options: EditOptions, steps: Int) throws {
    if options.control == .promptToPrompt {
      _ = try AttentionEdit(
        from: source, to: target, controller: options.controller, steps: steps,
        crossWindow: options.crossSteps,
        wordWindows: options.crossStepsOfWords, selfWindow: options.selfSteps, emphasis: options.emphasis)
    }
    guard let blend = options.blend else { return }
    for (words, role) in [
      (blend.words, "word to blend"), (blend.subtracted, "word to leave out of the blend"),
    ] {
      _ = try source.tokens(ofAny: words.source, as: role)
      _ = try target.tokens(ofAny: words.target, as: role)
    }
  }
}
