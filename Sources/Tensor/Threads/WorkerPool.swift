internal import CTensorKernels
internal import Foundation
internal import Synchronization

/// Threads that wait for the next parallel loop.
///
/// Helpers are numbered, and a loop on n threads is for the first n - 1 of them: the same few stay warm, and all others
/// sleep. A helper's thread starts with the first loop that wants it. The loops of a small network last some
/// microseconds and follow each other closely, so a helper that was in a loop watches for the next one for a moment
/// before it sleeps.
///
/// If other programs use the processors, waiting for a helper that was preempted costs more than it gains: after such a
/// loop the next ones run on the calling thread alone, the more of them the more often that happens.
/// The pool runs one loop at a time. A loop that finds it taken (another task computes too) runs on its own thread alone
/// and gives the same bytes.
final class WorkerPool: @unchecked Sendable {
  /// A thread for each processor that this process may use; more would only take them from each other.
  static let shared = WorkerPool(helperLimit: Parallel.processorCount - 1)

  /// One for each helper that there can be.
  private let spots: [ParkingSpot]
  private let started = Atomic<Int>(0)
  private let wakeUps = Atomic<Int>(0)

  private let isTaken = Atomic<Bool>(false)
  /// The bits of a `LoopState`.
  private let state = Atomic<UInt64>(LoopState.none.bits)
  private let next = Atomic<Int>(0)

  /// The current loop: written while it is closed, read only by helpers that have joined.
  private var body: (Int) -> Void = { _ in }
  private var count = 0
  /// The number of loops still to run without helpers, and that number after the last late helper.
  private var rest = 0
  private var lastRest = 0

  /// How often a thread looks before it gives up its processor: a helper for a loop, a caller for its helpers.
  private static let patience = 4000

  /// - Parameter helperLimit: how many threads there can be besides the caller's.
  init(helperLimit: Int) {
    spots = (0..<min(max(helperLimit, 0), LoopState.mostHelpers)).map { _ in ParkingSpot() }
  }

  /// The number of helpers that have a thread.
  var helperCount: Int { started.load(ordering: .relaxed) }

  /// The number of helpers that sleep.
  var sleeperCount: Int { spots.count { $0.isOccupied } }

  /// How often a helper was woken.
  var wakeUpCount: Int { wakeUps.load(ordering: .relaxed) }

  /// Calls `body` with each index below `count` on the calling thread and up to `workers` - 1 others.
  func run(_ count: Int, workers: Int, _ body: (Int) -> Void) {
    let helpers = min(workers - 1, count - 1, spots.count)
    guard helpers > 0, isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else {
      for index in 0..<max(count, 0) { body(index) }
      return
    }
    defer { isTaken.store(false, ordering: .releasing) }
    guard rest == 0 else {
      rest -= 1
      for index in 0..<count { body(index) }
      return
    }
    start(helpers)
    withoutActuallyEscaping(body) { body in
      self.body = body
      self.count = count
      open(for: helpers)
      let begin = ContinuousClock.now
      takeIndices(count, body)
      let end = ContinuousClock.now
      let looks = close()
      // Pieces are of similar size, so a running helper ends soon after the caller.
      let isLate = looks >= Self.patience && ContinuousClock.now - end > end - begin
      lastRest = isLate ? min(1024, max(32, 2 * lastRest)) : lastRest / 2
      if isLate { rest = lastRest }
      self.body = { _ in }
    }
  }

  /// Sees to it that the first `helpers` helpers have threads, which keep the pool and never end.
  private func start(_ helpers: Int) {
    while helperCount < helpers {
      let helper = helperCount
      let thread = Thread { [self] in help(as: helper) }
      thread.name = "null-text-inversion.worker"
      thread.start()
      started.store(helper + 1, ordering: .relaxed)
    }
  }

  /// Lets helpers join the loop, and wakes those of them that sleep.
  private func open(for helpers: Int) {
    next.store(0, ordering: .relaxed)
    let loop = LoopState(bits: state.load(ordering: .relaxed)).next(for: helpers)
    state.store(loop.bits, ordering: .sequentiallyConsistent)
    for spot in spots[..<helpers] where spot.unpark() { wakeUps.wrappingAdd(1, ordering: .relaxed) }
  }

  /// Lets no helper join any more and waits for those that have; how often it had to look.
  private func close() -> Int {
    state.bitwiseOr(LoopState.closed, ordering: .acquiringAndReleasing)
    var looks = 0
    while LoopState(bits: state.load(ordering: .acquiring)).joined > 0 {
      looks += 1
      // A helper may have been preempted: yield to it.
      if looks < Self.patience { ctk_pause() } else { sched_yield() }
    }
    return looks
  }

  private func takeIndices(_ count: Int, _ body: (Int) -> Void) {
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      body(index)
    }
  }

  /// What the thread of a helper does.
  private func help(as helper: Int) {
    var last = LoopState.none.number
    var looks = 0
    while true {
      let seen = LoopState(bits: state.load(ordering: .acquiring))
      if seen.isOpen(to: helper), seen.number != last {
        guard join(seen) else { continue }
        takePart()
        state.wrappingSubtract(1, ordering: .releasing)
        last = seen.number
        looks = 0
      } else if looks < Self.patience {
        looks += 1
        ctk_pause()
      } else {
        spots[helper].park {
          let seen = LoopState(bits: state.load(ordering: .sequentiallyConsistent))
          return seen.isOpen(to: helper) && seen.number != last
        }
        looks = 0
      }
    }
  }

  /// Joins the loop that was seen, unless it has changed since.
  private func join(_ seen: LoopState) -> Bool {
    state.compareExchange(expected: seen.bits, desired: seen.bits + 1, ordering: .acquiring).exchanged
  }

  /// A separate function, so that no reference to the body outlives the helper's part in the loop.
  @inline(never)
  private func takePart() { takeIndices(count, body) }
}
