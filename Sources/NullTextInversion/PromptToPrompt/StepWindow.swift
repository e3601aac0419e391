/// A part of the sampling steps, as fractions of their number: the half-open range from `start` to `end`.
///
/// A single number means the part from the first step up to there.
///
///     let first: StepWindow = 0.4
///     first.steps(of: 50)                        // 0..<20
///     try StepWindow(0.1, 0.5).steps(of: 50)     // 5..<25
public struct StepWindow: Sendable, Hashable {
  /// Where the window begins, from 0 to 1.
  public let start: Double

  /// Where the window ends, from `start` to 1.
  public let end: Double

  /// Every step.
  public static let all = StepWindow(unchecked: 0, 1)

  /// The second half of the steps.
  static let secondHalf = StepWindow(unchecked: 0.5, 1)

  /// No step.
  public static let none = StepWindow(unchecked: 0, 0)

  /// The window between two fractions.
  ///
  /// - Throws: `InputError` of kind `outOfRange` unless 0 <= `start` <= `end` <= 1.
  public init(_ start: Double, _ end: Double) throws {
    guard 0 <= start, start <= end, end <= 1 else {
      throw InputError(
        .outOfRange,
        "A window of steps goes from one fraction to a later one, both between 0 and 1, but this one is \(start):\(end)."
      )
    }
    self.init(unchecked: start, end)
  }

  /// The window from the first step to a fraction.
  ///
  /// - Throws: `InputError` of kind `outOfRange` unless 0 <= `end` <= 1.
  public init(to end: Double) throws { try self.init(0, end) }

  private init(unchecked start: Double, _ end: Double) {
    self.start = start
    self.end = end
  }

  /// The steps of this window out of `count`; fractions of a step are cut off, in double precision.
  public func steps(of count: Int) -> Range<Int> { Int(start * Double(count))..<Int(end * Double(count)) }
}

extension StepWindow: CustomStringConvertible {
  /// A window as it is written on the command line: `0.4`, or `0.1:0.5`.
  ///
  /// - Throws: `InputError`: `malformed` if this is not one or two numbers, `outOfRange` if they make no window.
  public init(parsing text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let bounds = parts.compactMap { Double($0.trimmingSpaces) }
    guard bounds.count == parts.count, 1...2 ~= parts.count else {
      throw InputError(
        .malformed,
        "\"\(text)\" is not a window of steps; write a fraction like 0.4, or a range like 0.1:0.5.")
    }
    try self.init(bounds.count == 2 ? bounds[0] : 0, bounds[bounds.count - 1])
  }

  /// The window as `init(parsing:)` reads it.
  public var description: String { start == 0 ? "\(end)" : "\(start):\(end)" }
}

extension StepWindow: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// The window from the first step to a fraction between 0 and 1; another literal is a programming error.
  public init(floatLiteral end: Double) {
    precondition(0...1 ~= end, "\(end) is not a fraction of the steps")
    self.init(unchecked: 0, end)
  }

  /// The window of no step (0) or of all (1).
  public init(integerLiteral end: Int) { self.init(floatLiteral: Double(end)) }
}

extension StepWindow: Codable {
  /// Reads a number, or an array of two.
  public init(from decoder: any Decoder) throws {
    if let end = try? decoder.singleValueContainer().decode(Double.self) {
      try self.init(to: end)
    } else {
      var bounds = try decoder.unkeyedContainer()
      try self.init(bounds.decode(Double.self), bounds.decode(Double.self))
      guard bounds.isAtEnd else {
        throw InputError(
          .malformed, "A window of steps is a fraction or two, but more than two numbers are given.")
      }
    }
  }

  /// Writes a number if the window begins with the first step, otherwise an array of two.
  public func encode(to encoder: any Encoder) throws {
    if start == 0 {
      var container = encoder.singleValueContainer()
      try container.encode(end)
    } else {
      var container = encoder.unkeyedContainer()
      try container.encode(start)
      try container.encode(end)
    }
  }
}

extension StringProtocol {
  /// The text without white space at its ends.
  var trimmingSpaces: String {
    let inner = drop(while: \.isWhitespace)
    return inner.lastIndex { !$0.isWhitespace }.map { String(inner[...$0]) } ?? ""
  }
}
