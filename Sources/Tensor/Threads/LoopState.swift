/// What helpers must know of the current loop, in one word, so that joining it is one exchange.
///
/// From the high bits down: the number of the loop, whether it is closed, for how many helpers it is, and how many are
/// in it. A helper adds one to join, and subtracts one to leave.
struct LoopState {
  let bits: UInt64

  private static let countBits = 10
  private static let countMask: UInt64 = 1 << countBits - 1
  private static let numberUnit: UInt64 = closed << 1

  /// The bit that closes a loop.
  static let closed: UInt64 = 1 << (2 * countBits)
  /// No loop is for more helpers.
  static let mostHelpers = Int(countMask)
  /// Before the first loop.
  static let none = LoopState(bits: closed)

  /// The loop after this one, for helpers with numbers below `helpers`.
  func next(for helpers: Int) -> LoopState {
    LoopState(bits: (number &+ 1) &* Self.numberUnit | UInt64(helpers) << Self.countBits)
  }

  /// Tells loops apart.
  var number: UInt64 { bits / Self.numberUnit }

  /// How many helpers are in the loop.
  var joined: Int { Int(bits & Self.countMask) }

  /// Whether the loop is open, and for the helper with this number.
  func isOpen(to helper: Int) -> Bool {
    bits & Self.closed == 0 && helper < Int(bits >> Self.countBits & Self.countMask)
  }
}
