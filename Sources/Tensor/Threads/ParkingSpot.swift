internal import Dispatch
internal import Synchronization

/// Where one thread sleeps until another wakes it.
///
/// The sleeper says that it is there and then looks for work once more; the waker offers the work and then looks for
/// the sleeper. In one order of these four, which sequential consistency gives, at least one of them sees the other.
final class ParkingSpot: Sendable {
  /// Whoever sets this back ends the sleep, so that each sleep has one end.
  private let occupied = Atomic<Bool>(false)
  private let signal = DispatchSemaphore(value: 0)

  /// Whether the thread sleeps, or is about to.
  var isOccupied: Bool { occupied.load(ordering: .sequentiallyConsistent) }

  /// Sleeps until it is woken, unless there is work.
  ///
  /// Only the thread whose spot this is calls it.
  func park(unless hasWork: () -> Bool) {
    occupied.store(true, ordering: .sequentiallyConsistent)
    if hasWork(), occupied.exchange(false, ordering: .acquiringAndReleasing) { return }
    signal.wait()
  }

  /// Wakes the thread if it sleeps, and says whether it did.
  func unpark() -> Bool {
    guard isOccupied, occupied.exchange(false, ordering: .acquiringAndReleasing) else { return false }
    signal.signal()
    return true
  }
}
