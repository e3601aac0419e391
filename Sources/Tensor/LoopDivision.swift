internal import Synchronization

/// How well the loops of a computation divide among threads: a count, made on one thread.
///
/// The time of each piece of each loop is taken. With n threads a loop would last as long as it does if a thread that is
/// free takes the next piece; what is outside of loops takes the time that it takes. Not counted: what threads cost each
/// other in caches, memory and clock rate, and the handovers.
package struct LoopDivision: Sendable {
  /// Numbers of threads.
  package let threads: [Int]

  /// The seconds that the computation would take with so many threads.
  package let seconds: [Double]

  /// The speed-up with `threads[index]` threads over their number.
  package func shareOfIdeal(_ index: Int) -> Double {
    seconds[index] > 0 ? seconds[0] * Double(threads[0]) / seconds[index] / Double(threads[index]) : 1
  }

  private static let activeCount = Atomic<Int>(0)
  @TaskLocal private static var counter: Counter?

  /// What `body` gives, computed on one thread, and how its loops would divide.
  ///
  /// - Parameter threads: numbers of threads, one first.
  package static func counting<Result>(
    threads: [Int] = [1, 2, 4, 8, 16, 32, 64], _ body: () throws -> Result
  ) rethrows -> (result: Result, division: LoopDivision) {
    activeCount.add(1, ordering: .relaxed)
    defer { activeCount.subtract(1, ordering: .relaxed) }
    let counter = Counter(threads)
    let start = ContinuousClock.now
    let result = try $counter.withValue(counter, operation: body)
    let all = (ContinuousClock.now - start) / .seconds(1)
    let (serial, parallel) = counter.sums
    return (result, LoopDivision(threads: threads, seconds: parallel.map { all - serial + $0 }))
  }

  /// Runs a loop on this thread if somebody counts, and says whether it did.
  static func run<E: Error>(_ count: Int, _ body: (Int) throws(E) -> Void) throws(E) -> Bool {
    guard activeCount.load(ordering: .relaxed) > 0, let counter else { return false }
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
    private let threads: [Int]
    private let state: Mutex<(serial: Double, parallel: [Double])>

    init(_ threads: [Int]) {
      self.threads = threads
      state = Mutex((0, [Double](repeating: 0, count: threads.count)))
    }

    /// The time of all pieces, and that of all loops for each number of threads.
    var sums: (serial: Double, parallel: [Double]) { state.withLock { $0 } }

    func add(_ pieces: [Double]) {
      state.withLock { state in
        state.serial += pieces.reduce(0, +)
        for (index, count) in threads.enumerated() {
          state.parallel[index] += LoopDivision.span(of: pieces, threads: count)
        }
      }
    }
  }
}
