/// A measurement of the peak memory use of the tensors of a computation.
package enum TensorMemory {
  private static let recorder = TaskRecorder<Count>()

  /// Returns the result of `body` and the peak byte count of the tensors created in it.
  ///
  /// Counts whole pool blocks; excludes scratch buffers and weights.
  package static func measuringPeak<Result>(
    _ body: () throws -> Result
  ) rethrows -> (result: Result, peak: Int) {
    let count = Count()
    let result = try recorder.with(count, body)
    return (result, count.peak)
  }

  /// Records that a block for `count` elements was allocated or, if negative, freed.
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
