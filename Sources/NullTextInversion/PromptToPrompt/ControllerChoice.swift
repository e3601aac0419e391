/// How the attention of the target prompt is made from the source's.
public enum ControllerChoice: String, Sendable, Codable, CaseIterable {
  /// Replace if both prompts have as many words, refine otherwise.
  case auto
  /// Words are exchanged one for one: each takes the attention of the word in its place.
  case replace
  /// Words are added or dropped: those that stay keep the source's attention, new ones have their own.
  case refine

  /// The choice for two prompts, never `auto`.
  public func resolved(source: PromptWords, target: PromptWords) -> ControllerChoice {
    guard self == .auto else { return self }
    return source.words.count == target.words.count ? .replace : .refine
  }
}
