internal import DiffusionCore

/// Settings for a kind of edit; what they leave out stays as it is.
public struct EditSuggestion: Sendable, Hashable, Codable {
  /// The strength of guidance.
  public var guidance: Double?
  /// The steps in which words look where they did in the source.
  public var crossSteps: StepWindow?
  /// The steps in which the picture's parts look at each other as in the source.
  public var selfSteps: StepWindow?
  /// The factor of the attention to the words that come or change.
  public var emphasis: Float?
  /// Keeps the source outside of where the changed words look, from this share of their maximum; nil to leave the blend out.
  public var blendThreshold: Double?
  /// The part of the steps before the first blend.
  public var blendStart: Double?
  /// The null embedding that the new prompt is guided away from.
  public var null: TargetNull?
  /// The steps in which what goes is hidden from self-attention (``ObjectRemoval``); nil to hold words and layout by windows.
  public var removalSteps: StepWindow?

  /// Nothing but what is there.
  public init() {}

  /// The settings on top of others, for an edit of some words.
  ///
  /// - Parameter change: has the words of the blend.
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

  /// These settings, and those of another where these say nothing.
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
  /// What suits the kinds of edit with any model.
  ///
  /// Freer words for what comes, self-attention for what keeps its shape, a blend where words name a region, and guidance away
  /// from the empty text in the second half of the steps. Measured on the bundled model alone, which has numbers of its own
  /// beside these.
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
  /// The published options with what suits the kind of edit that two prompts tell.
  ///
  /// - Parameters:
  ///   - caption: of the inversion.
  ///   - prompt: the new text.
  public static func suggested(from caption: String, to prompt: String) -> EditOptions {
    EditingRecommendation().editOptions(from: caption, to: prompt)
  }
}
