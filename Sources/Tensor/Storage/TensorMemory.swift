/// How much memory the tensors of a computation take at one time.
package enum TensorMemory {
  private static let recorder = TaskRecorder<Count>()

  /// What `body` gives, and the most bytes of the tensors that were made in it and not yet freed.
  ///
  /// Blocks count as large as the pool makes them; scratch memory and weights do not count.
  package static func measuringPeak<Result>(
    _ body: () throws -> Result
  ) rethrows -> (result: Result, peak: Int) {
    let count = Count()
    let result = try recorder.with(count, body)
    return (result, count.peak)
  }

  /// Hears of a block that was taken for so many scalars, or, if negative, freed.
  static func add(_ count: Int) {
    recorder.current?.add(count.signum() * BufferPool.capacity(for: abs(count)) * MemoryLayout<Float>.size)
  }

  private final class Count: Sendable {
    private let state = Lock((now: 0, peak: 0))

    var peak: Int { state.withLock(\.peak) }

    func add(_ bytes: Int) {
      state.withLock { state in
        state.now += bytes
        state.peak = max(state.peak, state.now)
      }
    }
  }
}
