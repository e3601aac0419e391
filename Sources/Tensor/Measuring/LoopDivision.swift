/// An estimate of how well the loops of a computation scale with threads, from a run on one thread.
///
/// The run divides the loops as for n threads and times each piece. The estimate for a loop assumes that each free
/// thread takes the next piece; time outside of loops stays the same. Not included: contention for caches and memory,
/// lower clock rates, and the cost of dispatch.
package struct LoopDivision: Sendable {
  /// The number of threads of the estimate.
  package let threads: Int

  /// The seconds that the computation took on one thread.
  package let secondsAlone: Double

  /// The seconds spent outside of loops.
  package let secondsBetween: Double

  /// The estimated seconds with `threads` threads.
  package let seconds: Double

  /// The parallel efficiency: the speed-up divided by the number of threads.
  package var shareOfIdeal: Double { seconds > 0 ? secondsAlone / seconds / Double(threads) : 1 }

  private static let counter = TaskRecorder<Counter>()

  /// The number of threads that the current task makes an estimate for; nil if it makes none.
  static var countedThreads: Int? { counter.current?.threads }

  /// Runs `body` on one thread and returns its result and the estimate.
  package static func counting<Result>(
    threads: Int, _ body: () throws -> Result
  ) rethrows -> (result: Result, division: LoopDivision) {
    let own = Counter(threads)
    let start = ContinuousClock.now
    let result = try counter.with(own, body)
    let all = (ContinuousClock.now - start) / .seconds(1)
    let (serial, parallel) = own.sums
    let between = all - serial
    return (
      result,
      LoopDivision(threads: threads, secondsAlone: all, secondsBetween: between, seconds: between + parallel)
    )
  }

  /// Runs a loop on this thread if the current task makes an estimate; returns whether it does.
  static func run<E: Error>(_ count: Int, _ body: (Int) throws(E) -> Void) throws(E) -> Bool {
    guard let counter = counter.current else { return false }
    var pieces: [Double] = []
    for index in 0..<max(count, 0) {
      let start = ContinuousClock.now
      try body(index)
      pieces.append((ContinuousClock.now - start) / .seconds(1))
    }
    counter.add(pieces)
    return true
  }

  /// Returns the duration of a loop in which each piece runs on the thread that is free first.
  static func span(of pieces: [Double], threads: Int) -> Double {
    var busy = [Double](repeating: 0, count: max(1, min(threads, pieces.count)))
    for piece in pieces {
      guard let first = busy.indices.min(by: { busy[$0] < busy[$1] }) else { break }
      busy[first] += piece
    }
    return busy.max() ?? 0
  }

  private final class Counter: Sendable {
    let threads: Int
    private let state = Lock((serial: 0.0, parallel: 0.0))

    init(_ threads: Int) { self.threads = threads }

    /// The time of all pieces, and the estimated time of all loops.
    var sums: (serial: Double, parallel: Double) { state.withLock { $0 } }

    func add(_ pieces: [Double]) {
      state.withLock { state in
        state.serial += pieces.reduce(0, +)
        state.parallel += LoopDivision.span(of: pieces, threads: threads)
      }
    }
  }
}
