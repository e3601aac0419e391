internal import Synchronization

/// A task-local recorder of a computation's work.
///
/// Without an active recorder, the usual case, the cost is one relaxed atomic load.
final class TaskRecorder<Recorder: Sendable>: Sendable {
  private let activeCount = Atomic<Int>(0)
  private let local = TaskLocal<Recorder?>(wrappedValue: nil)

  /// The recorder of the current task; nil if there is none.
  var current: Recorder? { activeCount.load(ordering: .relaxed) > 0 ? local.get() : nil }

  /// Returns the result of `body`, run with `recorder` as the current recorder.
  func with<Result>(_ recorder: Recorder, _ body: () throws -> Result) rethrows -> Result {
    activeCount.add(1, ordering: .relaxed)
    defer { activeCount.subtract(1, ordering: .relaxed) }
    return try local.withValue(recorder, operation: body)
  }
}
