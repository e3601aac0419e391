internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Handles SIGINT (Ctrl-C) and SIGTERM: the first signal cancels the work, the second ends the process at once.
final class Interruption: Sendable {
  private let received = Atomic<Int32>(0)

  /// The last received signal; nil if there was none.
  var signal: Int32? {
    let number = received.load(ordering: .acquiring)
    return number == 0 ? nil : number
  }

  /// Blocks the signals from now on.
  ///
  /// Must be called before any thread is started, because threads inherit the signal mask.
  init() {
    // Shells start background jobs with SIGINT ignored, which would disable `kill -INT` as well.
    for number in [SIGINT, SIGTERM] { restoreDefault(number) }
    var signals = Self.signals
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Waits for signals forever on the calling thread, and calls `cancel` after the first.
  func wait(_ cancel: () -> Void) -> Never {
    var signals = Self.signals
    while true {
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { continue }
      let isFirst = received.exchange(number, ordering: .acquiringAndReleasing) == 0
      if !isFirst { _exit(128 + number) }
      cancel()
    }
  }

  private static var signals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    return signals
  }
}

private func restoreDefault(_ number: Int32) { _ = signal(number, SIG_DFL) }
