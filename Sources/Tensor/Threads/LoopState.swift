/// The state of the current loop in one word, so that a helper joins with one atomic exchange.
///
/// From the high bits down: the loop number, the closed flag, the number of helpers the loop is for, and the number
/// that have joined. A helper adds one to join and subtracts one to leave.
struct LoopState {
  let bits: UInt64

  private static let countBits = 10
  private static let countMask: UInt64 = 1 << countBits - 1
  private static let numberUnit: UInt64 = closed << 1

  /// The bit that marks a loop as closed.
  static let closed: UInt64 = 1 << (2 * countBits)
  /// The maximum number of helpers of a loop.
  static let mostHelpers = Int(countMask)
  /// The state before the first loop.
  static let none = LoopState(bits: closed)

  /// Returns the state of the next loop, open to helpers with numbers below `helpers`.
  func next(for helpers: Int) -> LoopState {
    LoopState(bits: (number &+ 1) &* Self.numberUnit | UInt64(helpers) << Self.countBits)
  }

  /// The number that distinguishes this loop from others.
  var number: UInt64 { bits / Self.numberUnit }

  /// The number of helpers in the loop.
  var joined: Int { Int(bits & Self.countMask) }

  /// Returns whether the loop is open and includes the helper with this number.
  func isOpen(to helper: Int) -> Bool {
    bits & Self.closed == 0 && helper < Int(bits >> Self.countBits & Self.countMask)
  }
}
