internal import CTensorKernels
internal import Foundation
internal import Synchronization

/// The thread pool of the parallel loops.
///
/// Helpers are numbered. A loop on n threads uses the first n - 1 helpers, so that the same few stay active and the
/// others sleep. The thread of a helper starts with the first loop that needs it. The loops of a small network last
/// microseconds and follow each other closely, so a helper spins for a moment after a loop before it sleeps.
///
/// If other programs use the processors, waiting for a preempted helper costs more time than it saves. After such a
/// loop, the next loops run on the calling thread alone; their number grows with the frequency of such delays.
///
/// The pool runs one loop at a time. If another task's loop is running, a loop runs on the calling thread alone, with
/// the same results.
final class WorkerPool: @unchecked Sendable {
  /// The shared pool, with one thread per processor that this process may use; more threads would compete for
  /// processors.
  static let shared = WorkerPool(helperLimit: Parallel.processorCount - 1)

  /// One spot for each possible helper.
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
  /// The number of loops still to run without helpers, and its initial value after the last late helper.
  private var rest = 0
  private var lastRest = 0

  /// The number of polls before a thread yields its processor: a helper that waits for a loop, a caller that waits for
  /// helpers.
  private static let patience = 4000

  /// - Parameter helperLimit: The maximum number of threads besides the caller's.
  init(helperLimit: Int) {
    spots = (0..<min(max(helperLimit, 0), LoopState.mostHelpers)).map { _ in ParkingSpot() }
  }

  /// The number of helpers that have a thread.
  var helperCount: Int { started.load(ordering: .relaxed) }

  /// The number of helpers that sleep.
  var sleeperCount: Int { spots.count { $0.isOccupied } }

  /// The number of times a helper was woken.
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
      // Pieces are of similar size, so a running helper finishes soon after the caller.
      let isLate = looks >= Self.patience && ContinuousClock.now - end > end - begin
      lastRest = isLate ? min(1024, max(32, 2 * lastRest)) : lastRest / 2
      if isLate { rest = lastRest }
      self.body = { _ in }
    }
  }

  /// Starts the threads of the first `helpers` helpers if needed; they retain the pool and never end.
  private func start(_ helpers: Int) {
    while helperCount < helpers {
      let helper = helperCount
      let thread = Thread { [self] in help(as: helper) }
      thread.name = "null-text-inversion.worker"
      thread.start()
      started.store(helper + 1, ordering: .relaxed)
    }
  }

  /// Opens the loop to helpers and wakes those that sleep.
  private func open(for helpers: Int) {
    next.store(0, ordering: .relaxed)
    let loop = LoopState(bits: state.load(ordering: .relaxed)).next(for: helpers)
    state.store(loop.bits, ordering: .sequentiallyConsistent)
    for spot in spots[..<helpers] where spot.unpark() { wakeUps.wrappingAdd(1, ordering: .relaxed) }
  }

  /// Closes the loop, waits for the helpers that have joined, and returns the number of polls.
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

  /// The main loop of a helper's thread.
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

  /// Joins the loop if its state still equals `seen`; returns whether it did.
  private func join(_ seen: LoopState) -> Bool {
    state.compareExchange(expected: seen.bits, desired: seen.bits + 1, ordering: .acquiring).exchanged
  }

  /// A separate function, so that no reference to the body outlives the helper's share of the loop.
  @inline(never)
  private func takePart() { takeIndices(count, body) }
}
