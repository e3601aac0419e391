internal import CTensorKernels
internal import Foundation
internal import Synchronization

/// Threads that wait for the next parallel loop.
///
/// The loops of a small network last some microseconds and follow each other closely, so a waiting thread watches for
/// the next one for a while before it goes to sleep. Where other programs take the processors away, waiting for a helper
/// that has lost its own costs more than it brings; then the next loops run on the calling thread alone, the more of them
/// the more often that happens. One loop runs at a time; a loop that finds the pool taken (another
/// task computes too) runs on its own thread alone, and gives the same bytes.
final class WorkerPool: @unchecked Sendable {
  static let shared = WorkerPool(helperCount: max(0, ProcessInfo.processInfo.activeProcessorCount - 1))

  /// The number of threads beside the caller's.
  let helperCount: Int

  private let isTaken = Atomic<Bool>(false)
  /// From the high bits down: the number of the loop, whether it is closed, how many helpers it may have, and how many
  /// are in it; a helper joins by adding one.
  private let state = Atomic<Int>(closed)
  private let next = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let bell = NSCondition()

  /// Of the loop under way: written while it is closed, read only by helpers that have joined.
  private var body: (Int) -> Void = { _ in }
  private var count = 0
  /// Loops that are still to run without helpers, and how many it was the last time that one came late.
  private var rest = 0
  private var lastRest = 0

  /// How many times a caller looks for its helpers before it lets them have its processor.
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
      // Nobody can join any more; those who have are waited for.
      state.bitwiseOr(Self.closed, ordering: .acquiringAndReleasing)
      var waited = 0
      while state.load(ordering: .acquiring) & Self.countMask != 0 {
        waited += 1
        // On a busy machine a helper may have lost its processor: let it have this one.
        if waited < Self.patience { ctk_pause() } else { sched_yield() }
      }
      // Pieces are of like size, so a helper in its senses is done not long after.
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

  /// A helper's life.
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

  /// A function of its own, so that no reference to the loop's body outlives the helper's part in it.
  @inline(never)
  private func takePart() { takeIndices(count, body) }

  /// Joins the loop that `seen` is the state of, unless it has closed meanwhile or has helpers enough.
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
