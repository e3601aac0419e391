internal import DiffusionCore
internal import Foundation

/// How the records of a benchmark are inverted and edited.
///
/// The defaults are those of PIE-Bench's published rows.
public struct EvaluationOptions: Sendable, Equatable, Codable {
  /// How pictures are inverted.
  public var inversion = InversionOptions()
  /// How they are edited.
  public var edit = EditOptions.pieBench
  /// What each record's edit is chosen by, from its prompts; nil for `edit` itself.
  ///
  /// Of `edit` the guidance and the step rule stay, where it has them; a record's blended words are not used.
  public var recommendation: EditingRecommendation?
  /// Whether to keep the source outside of where a record's blended words look; `edit.blend` goes before it.
  public var blendsWords = true
  /// The factor of the attention to a record's blended word in the editing prompt; 1 for none.
  public var emphasis: Float = 2
  /// Whether a picture is written as PIE-Bench's own programs do: instruction, source, reconstruction and edit side by
  /// side; otherwise the edit alone.
  public var writesPanels = false

  /// PIE-Bench's settings.
  public init() {}

  /// A published method with its settings.
  public init(_ method: PublishedMethod) {
    inversion = method.inversion
    edit = method.edit
  }

  /// Refuses what makes no sense, before any work.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  public func validate() throws {
    try inversion.validate()
    guard inversion.framing == .square else {
      throw InputError(
        .unsupported,
        "Evaluations work on squares, as the published tables do: leave \(inversion.framing) out.")
    }
    try edit.validate()
    guard emphasis.isFinite else {
      throw InputError(.outOfRange, "An emphasis of \(emphasis): give a finite number.")
    }
  }

  /// The options of one record's edit, and what of the record they could not take up.
  ///
  /// A blended word that its prompt does not have is left out, as PIE-Bench's programs do without saying so.
  func edit(_ record: PIEBench.Record, caption: PromptWords, prompt: PromptWords) -> (
    EditOptions, notes: [String]
  ) {
    if let recommendation {
      var options = recommendation.editOptions(from: record.originalPrompt, to: record.editingPrompt)
      options.guidance = edit.guidance ?? options.guidance
      options.stepRule = edit.stepRule
      return (options, [])
    }
    var options = edit
    var notes: [String] = []
    func found(_ word: String?, in words: PromptWords, as name: String) -> String? {
      guard let word else { return nil }
      if (try? words.tokens(of: word)) != nil { return word }
      notes.append("The blended word \"\(word)\" is not in the \(name) \"\(words.prompt.text)\".")
      return nil
    }
    guard let words = options.promptToPrompt, blendsWords || emphasis != 1 else { return (options, []) }
    let source = found(record.sourceWord, in: caption, as: "caption")
    let target = found(record.targetWord, in: prompt, as: "editing prompt")
    if blendsWords, options.blend == nil, source != nil || target != nil {
      options.blend = LocalBlend(
        LocalBlend.Words(source: [source].compactMap(\.self), target: [target].compactMap(\.self)))
    }
    if emphasis != 1, let target, !words.emphasis.contains(where: { $0.word == target }) {
      options.promptToPrompt?.emphasis.append(Emphasis(target, emphasis))
    }
    return (options, notes)
  }
}

extension EditOptions {
  /// The settings of PIE-Bench's rows with prompt-to-prompt, but for the words of each record: refinement, cross-attention
  /// of the first 0.4 of the steps, self-attention of the first 0.6.
  public static var pieBench: EditOptions { PublishedMethod.direct.edit }
}
