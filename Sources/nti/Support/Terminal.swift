internal import Foundation
internal import Tensor

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// The output to standard error.
enum Terminal {
  /// Whether lines on standard error can be rewritten.
  static var isInteractive: Bool {
    isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// The number of columns of the terminal.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes text to standard error unchanged.
  static func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

  /// Whether the cursor is at the end of a line that may be rewritten; nil after an error was printed.
  private static let isLineOpen = Lock<Bool?>(false)

  /// Rewrites the line at the cursor.
  static func draw(_ text: String) {
    isLineOpen.withLock { isOpen in
      guard isOpen != nil else { return }
      // A wrapped line could not be erased.
      write("\r\(text.prefix(width - 1))\u{1B}[K")
      isOpen = true
    }
  }

  /// Erases the line that was drawn last, if it is still there.
  static func eraseLine() { leaveLine("\r\u{1B}[K", isLast: false) }

  /// Prints an error below the line that was drawn last, and stops the drawing of lines.
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
