internal import Synchronization

/// Something that listens to what a task computes.
///
/// Where nobody listens, which is the rule, it costs one relaxed load of an atomic.
final class TaskRecorder<Recorder: Sendable>: Sendable {
  private let activeCount = Atomic<Int>(0)
  private let local = TaskLocal<Recorder?>(wrappedValue: nil)

  /// What listens to this task; nil if nothing does.
  var current: Recorder? { activeCount.load(ordering: .relaxed) > 0 ? local.get() : nil }

  /// What `body` gives while a recorder listens to it.
  func with<Result>(_ recorder: Recorder, _ body: () throws -> Result) rethrows -> Result {
    activeCount.add(1, ordering: .relaxed)
    defer { activeCount.subtract(1, ordering: .relaxed) }
    return try local.withValue(recorder, operation: body)
  }
}
