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

  /// Whether the cursor stands behind a line that may be rewritten; nil once an error ended all that.
  private static let isLineOpen = Lock<Bool?>(false)

  /// Rewrites the line at the cursor.
  static func draw(_ text: String) {
    isLineOpen.withLock { isOpen in
      guard isOpen != nil else { return }
      // A line that wraps could not be taken back.
      write("\r\(text.prefix(width - 1))\u{1B}[K")
      isOpen = true
    }
  }

  /// Takes away the line that was drawn last, if it is still there.
  static func eraseLine() { leaveLine("\r\u{1B}[K", isLast: false) }

  /// A line about something that went wrong, below the line that was drawn last.
  static func printError(_ sentence: String) {
    leaveLine("\n", isLast: true)
    write("nti: \(sentence)\n")
  }

  private static func leaveLine(_ text: String, isLast: Bool) {
    isLineOpen.withLock { isOpen in
      if isOpen == true { write(text) }
      isOpen = isLast || isOpen == nil ? nil : false
    }
  }
}
