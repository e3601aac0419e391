internal import Dispatch
internal import Synchronization

/// A place where one thread sleeps until another wakes it.
///
/// The sleeper sets `occupied` and then checks for work again; the waker publishes work and then checks `occupied`.
/// Under sequential consistency at least one of them sees the other's write.
final class ParkingSpot: Sendable {
  /// The thread that resets this ends the sleep, so that each sleep ends exactly once.
  private let occupied = Atomic<Bool>(false)
  private let signal = DispatchSemaphore(value: 0)

  /// Whether the thread sleeps or is about to.
  var isOccupied: Bool { occupied.load(ordering: .sequentiallyConsistent) }

  /// Sleeps until another thread wakes this one, unless there is work.
  ///
  /// Only the thread that owns the spot may call this.
  func park(unless hasWork: () -> Bool) {
    occupied.store(true, ordering: .sequentiallyConsistent)
    if hasWork(), occupied.exchange(false, ordering: .acquiringAndReleasing) { return }
    signal.wait()
  }

  /// Wakes the thread if it sleeps; returns whether it did.
  func unpark() -> Bool {
    guard isOccupied, occupied.exchange(false, ordering: .acquiringAndReleasing) else { return false }
    signal.signal()
    return true
  }
}
