/// The method for computing the target's cross-attention from the source's.
public enum ControllerChoice: String, Sendable, Codable, CaseIterable {
  /// Replacement if both prompts have the same number of words, refinement otherwise.
  case auto
  /// Words are replaced one by one: each word uses the attention of the source word at its position.
  case replace
  /// Words are added or removed: common words use the source's attention, new words use their own.
  case refine

  /// Returns the choice for two prompts, never `auto`.
  public func resolved(source: PromptWords, target: PromptWords) -> ControllerChoice {
    guard self == .auto else { return self }
    return source.words.count == target.words.count ? .replace : .refine
  }
}
