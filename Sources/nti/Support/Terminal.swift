internal import Foundation
internal import Tensor

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// What standard error leads to.
enum Terminal {
  /// Whether lines on standard error can be rewritten.
  static var isInteractive: Bool {
    isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// The number of columns.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes text to standard error as it is.
  static func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

  /// Whether the cursor stands behind a line that may be rewritten.
  private static let isLineOpen = Lock(false)

  /// Rewrites the line at the cursor.
  static func draw(_ text: String) {
    // A line that wraps could not be taken back.
    write("\r\(text.prefix(width - 1))\u{1B}[K")
    isLineOpen.withLock { $0 = true }
  }

  /// Takes away the line that was drawn last, if it is still there.
  static func eraseLine() { leaveLine("\r\u{1B}[K") }

  /// A line about something that went wrong, below the line that was drawn last.
  static func printError(_ sentence: String) {
    leaveLine("\n")
    write("nti: \(sentence)\n")
  }

  private static func leaveLine(_ text: String) {
    let wasOpen = isLineOpen.withLock { isOpen in
      defer { isOpen = false }
      return isOpen
    }
    if wasOpen { write(text) }
  }
}
