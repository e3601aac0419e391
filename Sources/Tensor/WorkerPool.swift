internal import CTensorKernels
internal import Foundation
internal import Synchronization

/// Threads that wait for the next parallel loop.
///
/// The loops of a small network last some microseconds and follow each other closely, so an idle helper spins for a while
/// before it sleeps. If other programs use the processors, waiting for a helper that was preempted costs more than it
/// gains: after such a loop the next ones run on the calling thread alone, the more of them the more often that happens.
/// The pool runs one loop at a time. A loop that finds it taken (another task computes too) runs on its own thread alone
/// and gives the same bytes.
final class WorkerPool: @unchecked Sendable {
  static let shared = WorkerPool(helperCount: max(0, ProcessInfo.processInfo.activeProcessorCount - 1))

  /// The number of threads besides the caller's.
  let helperCount: Int

  private let isTaken = Atomic<Bool>(false)
  /// From the high bits down: the number of the loop, whether it is closed, the limit of helpers, and the number of
  /// helpers in it, to which a helper adds one to join.
  private let state = Atomic<Int>(closed)
  private let next = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let bell = NSCondition()

  /// The current loop: written while it is closed, read only by helpers that have joined.
  private var body: (Int) -> Void = { _ in }
  private var count = 0
  /// The number of loops still to run without helpers, and that number after the last late helper.
  private var rest = 0
  private var lastRest = 0

  /// How often a caller checks for its helpers before it yields its processor to them.
  private static let patience = 4000
  private static let countBits = 9
  private static let countMask = 1 << countBits - 1
  private static let closed = 1 << (2 * countBits)
  private static let loopUnit = closed << 1

  init(helperCount: Int) {
    self.helperCount = helperCount
    for _ in 0..<helperCount {
      let thread = Thread { [unowned self] in help() }
      thread.name = "null-text-inversion.worker"
      thread.start()
    }
  }

  /// Calls `body` with each index below `count` on the calling thread and up to `workers` - 1 others.
  func run(_ count: Int, workers: Int, _ body: (Int) -> Void) {
    guard workers > 1, helperCount > 0,
      isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else {
      for index in 0..<count { body(index) }
      return
    }
    defer { isTaken.store(false, ordering: .releasing) }
    guard rest == 0 else {
      rest -= 1
      for index in 0..<count { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      self.body = body
      self.count = count
      next.store(0, ordering: .relaxed)
      let loop = (state.load(ordering: .relaxed) / Self.loopUnit + 1) % (Int.max / Self.loopUnit)
      let limit = min(workers - 1, Self.countMask)
      state.store(loop * Self.loopUnit + limit << Self.countBits, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        bell.lock()
        bell.broadcast()
        bell.unlock()
      }
      let begin = ContinuousClock.now
      takeIndices(count, body)
      let end = ContinuousClock.now
      // No helper can join any more; wait for those that have.
      state.bitwiseOr(Self.closed, ordering: .acquiringAndReleasing)
      var waited = 0
      while state.load(ordering: .acquiring) & Self.countMask != 0 {
        waited += 1
        // A helper may have been preempted: yield to it.
        if waited < Self.patience { ctk_pause() } else { sched_yield() }
      }
      // Pieces are of similar size, so a running helper ends soon after the caller.
      let isLate = waited >= Self.patience && ContinuousClock.now - end > end - begin
      lastRest = isLate ? min(1024, max(32, 2 * lastRest)) : lastRest / 2
      if isLate { rest = lastRest }
      self.body = { _ in }
    }
  }

  private func takeIndices(_ count: Int, _ body: (Int) -> Void) {
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      body(index)
    }
  }

  /// The loop of a helper thread.
  private func help() {
    var watched = 0
    while true {
      let seen = state.load(ordering: .acquiring)
      if seen & Self.closed == 0, join(seen) {
        takePart()
        state.wrappingSubtract(1, ordering: .releasing)
        watched = 0
      } else if watched < 4000 {
        watched += 1
        ctk_pause()
      } else {
        sleep()
        watched = 0
      }
    }
  }

  /// A separate function, so that no reference to the body outlives the helper's part in the loop.
  @inline(never)
  private func takePart() { takeIndices(count, body) }

  /// Joins the loop whose state was `seen`, unless it has closed since or has enough helpers.
  private func join(_ seen: Int) -> Bool {
    guard seen & Self.countMask < seen >> Self.countBits & Self.countMask else { return false }
    return state.compareExchange(expected: seen, desired: seen + 1, ordering: .acquiring).exchanged
  }

  private func sleep() {
    bell.lock()
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    if state.load(ordering: .sequentiallyConsistent) & Self.closed != 0 { bell.wait() }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    bell.unlock()
  }
}
