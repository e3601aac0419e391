internal import CTensorKernels
internal import Foundation
internal import Synchronization

/// The parallel loop that all computations of the package use.
///
/// Each piece of work writes its own part of the result, and each element is summed in an order that depends only on
/// shapes, so the results are bitwise the same for any number of threads. BLAS always runs with one thread. A nested
/// loop runs on the calling thread alone.
public enum Parallel {
  private static let threads = Atomic<Int>(0)

  /// The number of processors that this process may use.
  ///
  /// A batch system often restricts a process to a part of the machine; Foundation ignores this restriction.
  static let processorCount: Int = {
    let allowed = Int(ctk_allowed_processor_count())
    return allowed > 0 ? allowed : ProcessInfo.processInfo.activeProcessorCount
  }()

  /// The number of threads that work at the same time; by default, one for each processor that this process may use.
  ///
  /// A number above the processor count has no effect. Setting 0 restores the default.
  public static var threadCount: Int {
    get {
      if let counted = LoopDivision.countedThreads { return counted }
      let set = threads.load(ordering: .relaxed)
      return set > 0 ? set : processorCount
    }
    set { threads.store(max(0, newValue), ordering: .relaxed) }
  }

  /// Calls `body` once with each index below `count`, in any order, on up to `threadCount` threads.
  ///
  /// - Throws: One of the errors thrown by `body`; remaining indices are then skipped.
  package static func forEach<E: Error>(_ count: Int, _ body: (Int) throws(E) -> Void) throws(E) {
    if try LoopDivision.run(count, body) { return }
    let workers = min(threadCount, count)
    guard workers > 1 else {
      for index in 0..<max(count, 0) { try body(index) }
      return
    }
    let hasFailed = Atomic<Bool>(false)
    let failure = Lock<E?>(nil)
    WorkerPool.shared.run(count, workers: workers) { index in
      guard !hasFailed.load(ordering: .relaxed) else { return }
      do throws(E) {
        try body(index)
      } catch {
        failure.withLock { $0 = error }
        hasFailed.store(true, ordering: .relaxed)
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// Calls `body` with consecutive ranges of `0..<count`, each of length `grain` (the last may be shorter).
  ///
  /// - Throws: One of the errors thrown by `body`, as in `forEach`.
  package static func forEachRange<E: Error>(
    of count: Int, grain: Int, _ body: (Range<Int>) throws(E) -> Void
  ) throws(E) {
    let grain = max(grain, 1)
    guard count > grain else {
      if count > 0 { try body(0..<count) }
      return
    }
    try forEach((count + grain - 1) / grain) { index throws(E) in
      try body(index * grain..<min(count, (index + 1) * grain))
    }
  }
}
