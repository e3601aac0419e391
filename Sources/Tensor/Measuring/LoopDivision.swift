/// How well the loops of a computation divide among threads: a count, made on one thread.
///
/// The computation is cut as for that many threads, and the time of each piece of each loop is taken. With n threads a loop
/// would last as long as it does if a thread that is free takes the next piece; what is outside of loops takes the time
/// that it takes. Not counted: what threads cost each other in caches, memory and clock rate, and the handovers.
package struct LoopDivision: Sendable {
  /// The number of threads that is counted for.
  package let threads: Int

  /// The seconds that the computation took on one thread.
  package let secondsAlone: Double

  /// The seconds of it that are outside of loops.
  package let secondsBetween: Double

  /// The seconds that it would take with so many threads.
  package let seconds: Double

  /// The speed-up over the number of threads.
  package var shareOfIdeal: Double { seconds > 0 ? secondsAlone / seconds / Double(threads) : 1 }

  private static let counter = TaskRecorder<Counter>()

  /// The number of threads that this task counts for; nil if it does not count.
  static var countedThreads: Int? { counter.current?.threads }

  /// What `body` gives, computed on one thread, and how its loops would divide.
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

  /// Runs a loop on this thread if somebody counts, and says whether it did.
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

  /// The time from the first piece to the end of the last, if each is taken by the thread that is free first.
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

    /// The time of all pieces, and that of all loops with so many threads.
    var sums: (serial: Double, parallel: Double) { state.withLock { $0 } }

    func add(_ pieces: [Double]) {
      state.withLock { state in
        state.serial += pieces.reduce(0, +)
        state.parallel += LoopDivision.span(of: pieces, threads: threads)
      }
    }
  }
}
