/// A text as the numbers that a text encoder reads, and where in the text each came from.
public struct TokenizedPrompt: Sendable, Equatable {
  /// The text as it was given.
  public let text: String

  /// The token of each position, start and end token included, padding not.
  public let ids: [Int]

  /// The part of `text` that each token came from, in Unicode scalars; empty for the start and the end token.
  public let ranges: [Range<Int>]

  /// A text with its tokens.
  public init(text: String, ids: [Int], ranges: [Range<Int>]) {
    precondition(ids.count == ranges.count, "\(ids.count) tokens, but \(ranges.count) ranges")
    self.text = text
    self.ids = ids
    self.ranges = ranges
  }

  /// The number of tokens, start and end token included.
  public var count: Int { ids.count }
}
