/// The tokens of a text, with the range of the text that each came from.
public struct TokenizedPrompt: Sendable, Equatable {
  /// The original text.
  public let text: String

  /// The tokens, including the start and end tokens but not padding.
  public let ids: [Int]

  /// The range of `text` that each token came from, in Unicode scalars; empty for the start and end tokens.
  public let ranges: [Range<Int>]

  /// Creates a text with its tokens.
  public init(text: String, ids: [Int], ranges: [Range<Int>]) {
    precondition(ids.count == ranges.count, "\(ids.count) tokens, but \(ranges.count) ranges")
    self.text = text
    self.ids = ids
    self.ranges = ranges
  }

  /// The number of tokens, including the start and end tokens.
  public var count: Int { ids.count }
}
