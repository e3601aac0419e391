internal import DiffusionCore
internal import Foundation

/// The options for inverting and editing the records of a benchmark.
///
/// The defaults are the settings of PIE-Bench's published rows.
public struct EvaluationOptions: Sendable, Equatable, Codable {
  /// The options of the inversions.
  public var inversion = InversionOptions()
  /// The options of the edits, without the words of each record.
  public var edit = EditOptions.pieBench
  /// The recommendation that chooses each record's options by its prompts; nil to use `edit`.
  ///
  /// With a recommendation, only the guidance scale and the step rule of `edit` are used, and a record's blended words are
  /// not used.
  public var recommendation: EditingRecommendation?
  /// Whether to restrict the change to the region of a record's blended words; `edit.blend` has precedence.
  public var blendsWords = true
  /// The factor for the attention to a record's blended word in the editing prompt; 1 for none.
  public var emphasis: Float = 2
  /// Whether pictures are written in PIE-Bench's layout, with prompts, source, reconstruction and edit side by side,
  /// instead of the edit alone.
  public var writesPanels = false

  /// Creates PIE-Bench's settings.
  public init() {}

  /// Creates the settings of a published method.
  public init(_ method: PublishedMethod) {
    inversion = method.inversion
    edit = method.edit
  }

  /// Validates the options.
  ///
  /// - Throws: `InputError` if an option is out of range or not supported.
  public func validate() throws {
    try inversion.validate()
    guard inversion.framing == .square else {
      throw InputError(
        .unsupported,
        "Evaluations use square pictures, as the published tables do. Remove the framing \(inversion.framing)."
      )
    }
    try edit.validate()
    guard emphasis.isFinite else {
      throw InputError(.outOfRange, "The emphasis is \(emphasis), but must be a finite number.")
    }
  }

  /// Returns the options of a record's edit, and notes on blended words that were left out.
  ///
  /// A blended word that is not in its prompt is left out, as in PIE-Bench's programs, which do not report it.
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
  /// The settings of PIE-Bench's rows with prompt-to-prompt, without the words of each record.
  ///
  /// The prompts are matched by refinement. The target uses the source's cross-attention in the first 0.4 of the steps, and
  /// its self-attention in the first 0.6.
  public static var pieBench: EditOptions { PublishedMethod.direct.edit }
}
