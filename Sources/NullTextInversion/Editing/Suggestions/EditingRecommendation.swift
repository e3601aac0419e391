public import DiffusionCore
internal import Foundation

/// What suits a model for edits.
///
/// Stands in `editing.json` in the folder of its checkpoint; what it leaves out is as published. A recommendation is taken by
/// who asks for it (``editOptions``), never by itself. `nti edit` does; explicit options and recipes go before it.
public struct EditingRecommendation: Sendable, Hashable {
  /// The strength of guidance of edits.
  public var guidance: Double?
  /// The steps in which words look where they did in the source.
  public var crossSteps: StepWindow?
  /// The steps in which the picture's parts look at each other as in the source.
  public var selfSteps: StepWindow?
  /// The side of the largest grid on which self-attention is kept.
  public var selfGrid: Int?
  /// The width of the maps of a local blend.
  public var blendGrid: Int?
  /// The null embedding that new prompts are guided away from.
  public var null: TargetNull?
  /// The inversion that serves edits with attention control best for its cost.
  public var method: InversionMethod.Name?
  /// Settings by the kind of edit, which the two prompts tell; kinds that are absent have those of
  /// ``EditSuggestion/general``.
  public var kinds: [EditKind: EditSuggestion] = [:]

  /// Nothing but what is published.
  public init() {}

  /// Reads the recommendation of a checkpoint; one without `editing.json` has none.
  ///
  /// - Throws: `InputError` if the file is damaged, or has values that make no sense.
  public init(_ checkpoint: Checkpoint) throws {
    guard let file = checkpoint.file(named: "editing.json") else { return }
    do {
      self = try JSONFile.decode(Self.self, from: file)
      try editOptions.validate()
      for suggestion in kinds.values { try suggestion.validate() }
      try InputError.require((blendGrid ?? 1) > 0, "A blend grid of \(blendGrid ?? 0): ask for 1 or more.")
    } catch let error as InputError where !error.message.contains(file.path) {
      throw InputError(error.kind, "\(file.path): \(error.message)")
    }
  }

  /// The published options of an edit with what is recommended, and what suits its kind, in their place.
  ///
  /// - Parameters:
  ///   - caption: of the inversion.
  ///   - prompt: the new text.
  public func editOptions(from caption: String, to prompt: String) -> EditOptions {
    let change = PromptChange(from: caption, to: prompt)
    var options: EditOptions
    if let own = kinds[change.kind] {
      options = own.applied(to: editOptions, change)
    } else {
      let general = EditSuggestion.general[change.kind] ?? EditSuggestion()
      options = recommended(over: general.applied(to: EditOptions(), change))
    }
    options.blend?.grid = blendGrid
    return options
  }

  /// The same whatever the prompts.
  public var editOptions: EditOptions { recommended(over: EditOptions()) }

  private func recommended(over options: EditOptions) -> EditOptions {
    var options = options
    options.guidance = guidance ?? options.guidance
    options.null = null ?? options.null
    if var words = options.promptToPrompt {
      words.crossSteps = crossSteps ?? words.crossSteps
      words.selfSteps = selfSteps ?? words.selfSteps
      words.selfGrid = selfGrid ?? words.selfGrid
      options.promptToPrompt = words
    }
    return options
  }
}

extension EditingRecommendation: Codable {
  private enum Key: String, CodingKey {
    case guidance, crossSteps, selfSteps, selfGrid, blendGrid, null, method, kinds
    // Of older files: the settings of removals.
    case removal
  }

  /// Reads a recommendation; what it leaves out is as published.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    guidance = try values.decodeIfPresent(Double.self, forKey: .guidance)
    crossSteps = try values.decodeIfPresent(StepWindow.self, forKey: .crossSteps)
    selfSteps = try values.decodeIfPresent(StepWindow.self, forKey: .selfSteps)
    selfGrid = try values.decodeIfPresent(Int.self, forKey: .selfGrid)
    blendGrid = try values.decodeIfPresent(Int.self, forKey: .blendGrid)
    null = try values.decodeIfPresent(TargetNull.self, forKey: .null)
    method = try values.decodeIfPresent(InversionMethod.Name.self, forKey: .method)
    for (name, suggestion) in try values.decodeIfPresent([String: EditSuggestion].self, forKey: .kinds) ?? [:]
    {
      guard let kind = EditKind(rawValue: name) else {
        throw InputError(
          .malformed,
          "\"\(name)\" is no kind of edit; there are \(EditKind.allCases.map(\.rawValue).joined(separator: ", "))."
        )
      }
      kinds[kind] = suggestion
    }
    if let removal = try values.decodeIfPresent(EditSuggestion.self, forKey: .removal) {
      kinds[.removal] = kinds[.removal]?.completed(by: removal) ?? removal
    }
  }

  /// Writes what is recommended.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encodeIfPresent(guidance, forKey: .guidance)
    try values.encodeIfPresent(crossSteps, forKey: .crossSteps)
    try values.encodeIfPresent(selfSteps, forKey: .selfSteps)
    try values.encodeIfPresent(selfGrid, forKey: .selfGrid)
    try values.encodeIfPresent(blendGrid, forKey: .blendGrid)
    try values.encodeIfPresent(null, forKey: .null)
    try values.encodeIfPresent(method, forKey: .method)
    if !kinds.isEmpty { try values.encode(kinds, forKey: .kinds) }
  }
}
