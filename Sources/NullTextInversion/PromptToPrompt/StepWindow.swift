/// A range of sampling steps, as fractions of their number: half-open, from `start` to `end`.
///
/// A single number is the range from the first step to this fraction.
///
/// ```swift
/// let first: StepWindow = 0.4
/// let early = first.steps(of: 50)  // 0..<20
/// let middle = try StepWindow(0.1, 0.5).steps(of: 50)  // 5..<25
/// ```
public struct StepWindow: Sendable, Hashable {
  /// The start of the window, 0 to 1.
  public let start: Double

  /// The end of the window, `start` to 1.
  public let end: Double

  /// All steps.
  public static let all = StepWindow(unchecked: 0, 1)

  /// The second half of the steps.
  static let secondHalf = StepWindow(unchecked: 0.5, 1)

  /// No steps.
  public static let none = StepWindow(unchecked: 0, 0)

  /// Creates the window between two fractions.
  ///
  /// - Throws: `InputError` of kind `outOfRange` unless 0 <= `start` <= `end` <= 1.
  public init(_ start: Double, _ end: Double) throws {
    guard 0 <= start, start <= end, end <= 1 else {
      throw InputError(
        .outOfRange,
        "The step window is \(start):\(end), but must go from a fraction to an equal or larger one, both between 0 and 1."
      )
    }
    self.init(unchecked: start, end)
  }

  /// Creates the window from the first step to a fraction.
  ///
  /// - Throws: `InputError` of kind `outOfRange` unless 0 <= `end` <= 1.
  public init(to end: Double) throws { try self.init(0, end) }

  private init(unchecked start: Double, _ end: Double) {
    self.start = start
    self.end = end
  }

  /// Returns the steps of this window out of `count`; fractions of a step are truncated, in double precision.
  public func steps(of count: Int) -> Range<Int> { Int(start * Double(count))..<Int(end * Double(count)) }
}

extension StepWindow: CustomStringConvertible {
  /// Parses a window as written on the command line: `0.4` or `0.1:0.5`.
  ///
  /// - Throws: `InputError`: `malformed` if the text is not one or two numbers, `outOfRange` if they are not a valid
  ///   window.
  public init(parsing text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let bounds = parts.compactMap { Double($0.trimmingSpaces) }
    guard bounds.count == parts.count, 1...2 ~= parts.count else {
      throw InputError(
        .malformed,
        "\"\(text)\" is not a step window. Write a fraction as in 0.4, or a range as in 0.1:0.5.")
    }
    try self.init(bounds.count == 2 ? bounds[0] : 0, bounds[bounds.count - 1])
  }

  /// The window in the form that `init(parsing:)` reads.
  public var description: String { start == 0 ? "\(end)" : "\(start):\(end)" }
}

extension StepWindow: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// Creates the window from the first step to a fraction between 0 and 1; other literals trap.
  public init(floatLiteral end: Double) {
    precondition(0...1 ~= end, "\(end) is not a fraction of the steps")
    self.init(unchecked: 0, end)
  }

  /// Creates the window of no steps (0) or of all steps (1).
  public init(integerLiteral end: Int) { self.init(floatLiteral: Double(end)) }
}

extension StepWindow: Codable {
  /// Decodes a number or an array of two numbers.
  public init(from decoder: any Decoder) throws {
    if let end = try? decoder.singleValueContainer().decode(Double.self) {
      try self.init(to: end)
    } else {
      var bounds = try decoder.unkeyedContainer()
      try self.init(bounds.decode(Double.self), bounds.decode(Double.self))
      guard bounds.isAtEnd else {
        throw InputError(
          .malformed, "A step window has one or two numbers, but there are more.")
      }
    }
  }

  /// Encodes a number if the window begins at the first step, otherwise an array of two numbers.
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
  /// The text without leading and trailing white space.
  var trimmingSpaces: String {
    let inner = drop(while: \.isWhitespace)
    return inner.lastIndex { !$0.isWhitespace }.map { String(inner[...$0]) } ?? ""
  }
}
