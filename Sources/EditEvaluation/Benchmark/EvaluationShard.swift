internal import DiffusionCore

/// One of several equal parts of a list, for work that is spread over machines.
public struct EvaluationShard: Sendable, Hashable, CustomStringConvertible {
  /// Which part, from 1.
  public let number: Int
  /// How many parts there are.
  public let count: Int

  /// A part.
  ///
  /// - Throws: `InputError(.outOfRange)` unless 1 <= `number` <= `count`.
  public init(_ number: Int, of count: Int) throws {
    guard count >= 1, 1...count ~= number else {
      throw InputError(
        .outOfRange,
        "The shard \(number)/\(count) does not exist; the first of sixteen is 1/16, the last 16/16.")
    }
    self.number = number
    self.count = count
  }

  /// A part as written on the command line: `3/16`.
  ///
  /// - Throws: `InputError`: `malformed` if that is not two numbers, `outOfRange` if there is no such part.
  public init(parsing text: String) throws {
    let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let number = numbers[0], let count = numbers[1] else {
      throw InputError(.malformed, "\"\(text)\" is not a shard; write the third of sixteen as 3/16.")
    }
    try self.init(number, of: count)
  }

  /// As in `3/16`.
  public var description: String { "\(number)/\(count)" }

  /// Every `count`th element, from the `number`th on.
  public func part<Element>(of elements: [Element]) -> [Element] {
    stride(from: number - 1, to: elements.count, by: count).map { elements[$0] }
  }
}
