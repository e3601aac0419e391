internal import DiffusionCore

/// One of several equal parts of a list, for work that is distributed over machines.
public struct EvaluationShard: Sendable, Hashable, CustomStringConvertible {
  /// The number of the part, from 1.
  public let number: Int
  /// The number of parts.
  public let count: Int

  /// Creates a part.
  ///
  /// - Throws: `InputError(.outOfRange)` unless 1 <= `number` <= `count`.
  public init(_ number: Int, of count: Int) throws {
    guard count >= 1, 1...count ~= number else {
      throw InputError(
        .outOfRange,
        "The shard \(number)/\(count) does not exist. The first of sixteen shards is 1/16, the last 16/16.")
    }
    self.number = number
    self.count = count
  }

  /// Parses a part, as in `3/16`.
  ///
  /// - Throws: `InputError`, `.malformed` if the text is not two numbers, `.outOfRange` if there is no such part.
  public init(parsing text: String) throws {
    let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let number = numbers[0], let count = numbers[1] else {
      throw InputError(.malformed, "\"\(text)\" is not a shard. Write the third of sixteen as 3/16.")
    }
    try self.init(number, of: count)
  }

  /// The part, as in `3/16`.
  public var description: String { "\(number)/\(count)" }

  /// Returns every `count`th element, beginning with the `number`th.
  public func part<Element>(of elements: [Element]) -> [Element] {
    stride(from: number - 1, to: elements.count, by: count).map { elements[$0] }
  }
}
