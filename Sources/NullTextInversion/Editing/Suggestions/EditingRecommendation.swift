public import DiffusionCore
internal import Foundation

/// Recommended edit settings of a model.
///
/// They are stored in `editing.json` in the checkpoint's folder; values that the file omits are the published ones.
/// The library does not apply a recommendation by itself: use ``editOptions(from:to:)`` or ``editOptions``. The
/// command `nti edit` applies it; explicit options and recipes take precedence.
public struct EditingRecommendation: Sendable, Hashable {
  /// The guidance scale of edits.
  public var guidance: Double?
  /// The steps in which words use the source's cross-attention.
  public var crossSteps: StepWindow?
  /// The steps in which the target uses the source's self-attention.
  public var selfSteps: StepWindow?
  /// The side length of the largest grid whose self-attention is replaced.
  public var selfGrid: Int?
  /// The width of the attention maps of a local blend.
  public var blendGrid: Int?
  /// The null embedding of the target's guidance.
  public var null: TargetNull?
  /// The inversion method with the best results for its cost in edits with attention control.
  public var method: InversionMethod.Name?
  /// Settings by kind of edit.
  ///
  /// Missing kinds use ``EditSuggestion/general``.
  public var kinds: [EditKind: EditSuggestion] = [:]

  /// Creates a recommendation of the published settings.
  public init() {}

  /// Reads the recommendation of a checkpoint; it is empty if there is no `editing.json`.
  ///
  /// - Throws: `InputError` if the file is damaged or has values out of range.
  public init(_ checkpoint: Checkpoint) throws {
    guard let file = checkpoint.file(named: "editing.json") else { return }
    do {
      self = try JSONFile.decode(Self.self, from: file)
      try editOptions.validate()
      for suggestion in kinds.values { try suggestion.validate() }
      try InputError.require(
        (blendGrid ?? 1) > 0, "The blend grid is \(blendGrid ?? 0), but must be 1 or more.")
    } catch let error as InputError where !error.message.contains(file.path) {
      throw InputError(error.kind, "\(file.path): \(error.message)")
    }
  }

  /// Returns the published options with the recommended settings and those for the kind of edit that two prompts
  /// describe.
  ///
  /// - Parameters:
  ///   - caption: The caption of the inversion.
  ///   - prompt: The new prompt.
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

  /// The published options with the recommended settings that do not depend on the prompts.
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
    // In older files: the settings of removals.
    case removal
  }

  /// Decodes a recommendation; missing keys keep the published values.
  ///
  /// - Throws: `InputError(.malformed)` if `kinds` has an unknown kind of edit.
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
          "\"\(name)\" is not a kind of edit. Valid kinds: \(EditKind.allCases.map(\.rawValue).joined(separator: ", "))."
        )
      }
      kinds[kind] = suggestion
    }
    if let removal = try values.decodeIfPresent(EditSuggestion.self, forKey: .removal) {
      kinds[.removal] = kinds[.removal]?.completed(by: removal) ?? removal
    }
  }

  /// Encodes the settings that are recommended.
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
