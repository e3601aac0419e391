internal import Synchronization

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Turns the first Ctrl-C, or a request to terminate, into a cancellation; the second one ends the process at once.
final class Interruption: Sendable {
  private let received = Atomic<Int32>(0)

  /// The signal that came, if one did.
  var signal: Int32? {
    let number = received.load(ordering: .acquiring)
    return number == 0 ? nil : number
  }

  /// Holds signals back from now on.
  ///
  /// To be made first of all, because threads inherit this when they start.
  init() {
    // A shell starts background jobs with Ctrl-C ignored, which would swallow `kill -INT` as well.
    for number in [SIGINT, SIGTERM] { restoreDefault(number) }
    var signals = Self.signals
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Waits for signals for ever, on the calling thread, and calls `cancel` at the first.
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
