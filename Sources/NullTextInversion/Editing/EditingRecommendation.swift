public import DiffusionCore
internal import Foundation

/// What suits a model for edits.
///
/// Stands in `editing.json` in the folder of its checkpoint; what it leaves out is as published. A recommendation is taken by
/// who asks for it (``editOptions``), never by itself. `nti edit` does; explicit options and recipes go before it.
public struct EditingRecommendation: Sendable, Hashable, Codable {
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
  /// Windows for prompts that only leave words of the caption out: what is to go must not be held.
  public var removal: Removal?
  /// The inversion that serves edits with attention control best for its cost.
  public var method: InversionMethod.Name?

  /// The windows of an edit that removes something.
  public struct Removal: Sendable, Hashable, Codable {
    /// The steps in which words look where they did in the source.
    public var crossSteps: StepWindow
    /// The steps in which the picture's parts look at each other as in the source.
    public var selfSteps: StepWindow
  }

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
      try InputError.require((blendGrid ?? 1) > 0, "A blend grid of \(blendGrid ?? 0): ask for 1 or more.")
    } catch let error as InputError where !error.message.contains(file.path) {
      throw InputError(error.kind, "\(file.path): \(error.message)")
    }
  }

  /// The published options of an edit with what is recommended in their place.
  ///
  /// - Parameters:
  ///   - caption: of the inversion.
  ///   - prompt: the new text.
  public func editOptions(from caption: String, to prompt: String) -> EditOptions {
    var options = editOptions
    if let removal, prompt.isShortening(of: caption) {
      options.promptToPrompt?.crossSteps = removal.crossSteps
      options.promptToPrompt?.selfSteps = removal.selfSteps
    }
    return options
  }

  /// The same for any prompt.
  public var editOptions: EditOptions {
    var options = EditOptions()
    options.guidance = guidance
    options.promptToPrompt?.crossSteps = crossSteps ?? PromptToPrompt().crossSteps
    options.promptToPrompt?.selfSteps = selfSteps ?? PromptToPrompt().selfSteps
    options.promptToPrompt?.selfGrid = selfGrid ?? PromptToPrompt().selfGrid
    return options
  }
}

extension String {
  /// Whether this text has the words of another in their order, but not all of them.
  fileprivate func isShortening(of other: String) -> Bool {
    let (words, others) = (split(whereSeparator: \.isWhitespace), other.split(whereSeparator: \.isWhitespace))
    var rest = others[...]
    for word in words {
      guard let index = rest.firstIndex(of: word) else { return false }
      rest = rest[(index + 1)...]
    }
    return words.count < others.count
  }
}
