internal import DiffusionCore

/// Suggested settings for a kind of edit; nil settings keep the value of the options they are applied to.
public struct EditSuggestion: Sendable, Hashable, Codable {
  /// The guidance scale.
  public var guidance: Double?
  /// The steps in which words use the source's cross-attention.
  public var crossSteps: StepWindow?
  /// The steps in which the target uses the source's self-attention.
  public var selfSteps: StepWindow?
  /// The factor of the attention to the added or changed words.
  public var emphasis: Float?
  /// The threshold of a local blend on the changed words, as a share of the maximum attention; nil for no blend.
  public var blendThreshold: Double?
  /// The share of the steps before the first blend.
  public var blendStart: Double?
  /// The null embedding of the target's guidance.
  public var null: TargetNull?
  /// The steps in which removed objects are hidden from self-attention (``ObjectRemoval``); nil for prompt-to-prompt
  /// control.
  public var removalSteps: StepWindow?

  /// Creates a suggestion without settings.
  public init() {}

  /// Returns options with these settings applied.
  ///
  /// - Parameter change: The changed words of the edit.
  func applied(to options: EditOptions, _ change: PromptChange) -> EditOptions {
    var options = options
    options.guidance = guidance ?? options.guidance
    options.null = null ?? options.null
    if var words = options.promptToPrompt {
      words.crossSteps = crossSteps ?? words.crossSteps
      words.selfSteps = selfSteps ?? words.selfSteps
      if let emphasis, emphasis != 1 { words.emphasis = change.target.map { Emphasis($0, emphasis) } }
      options.promptToPrompt = words
    }
    if let removalSteps, !change.source.isEmpty {
      options.control = .removal(
        ObjectRemoval(
          words: change.source, keptOut: change.kept, threshold: blendThreshold ?? 0.3, steps: removalSteps))
    }
    if let blendThreshold, !(change.source + change.target).isEmpty {
      var blend = LocalBlend(
        .init(source: change.source, target: change.target), threshold: blendThreshold)
      blend.start = blendStart ?? blend.start
      options.blend = blend
    }
    return options
  }

  /// Returns these settings, completed by those of another suggestion where they are nil.
  func completed(by other: EditSuggestion?) -> EditSuggestion {
    var result = self
    result.guidance = guidance ?? other?.guidance
    result.crossSteps = crossSteps ?? other?.crossSteps
    result.selfSteps = selfSteps ?? other?.selfSteps
    result.emphasis = emphasis ?? other?.emphasis
    result.blendThreshold = blendThreshold ?? other?.blendThreshold
    result.blendStart = blendStart ?? other?.blendStart
    result.null = null ?? other?.null
    result.removalSteps = removalSteps ?? other?.removalSteps
    return result
  }

  func validate() throws {
    try applied(to: EditOptions(), PromptChange(from: "a cat", to: "a dog")).validate()
  }
}

extension EditSuggestion {
  /// Default settings by kind of edit, for any model.
  ///
  /// Added words get more freedom in cross-attention; objects that keep their shape keep their self-attention; edits
  /// of named regions use a local blend; guidance uses the empty text's embedding in the second half of the steps.
  /// These values were measured with the bundled model only; that model's recommendation replaces them.
  public static let general: [EditKind: EditSuggestion] = [
    .replacement: EditSuggestion(cross: 0.7, own: 0.5, blend: 0.3),
    .addition: EditSuggestion(cross: 0, own: 0.4, blend: 0.3),
    .removal: EditSuggestion(cross: 0, own: 0, blend: 0.4, removal: .all),
    .attribute: EditSuggestion(cross: 0.4, own: 0.8, blend: 0.3),
    .background: EditSuggestion(cross: 0.2, own: 0.7),
    .style: EditSuggestion(cross: 0.3, own: 0.6),
  ]

  private init(cross: StepWindow, own: StepWindow, blend: Double? = nil, removal: StepWindow? = nil) {
    (crossSteps, selfSteps, blendThreshold, removalSteps) = (cross, own, blend, removal)
    null = .emptyLate
  }
}

extension EditOptions {
  /// Returns the published options with the default settings for the kind of edit that two prompts describe.
  ///
  /// - Parameters:
  ///   - caption: The caption of the inversion.
  ///   - prompt: The new prompt.
  public static func suggested(from caption: String, to prompt: String) -> EditOptions {
    EditingRecommendation().editOptions(from: caption, to: prompt)
  }
}
