internal import Dispatch

/// Runs long computations one after the other, off the threads that Swift's tasks share.
///
/// Work runs inside the caller's task, so that it sees its cancellation.
actor ComputeActor {
  private let executor = ComputeExecutor()

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  func run<Result: Sendable>(_ work: @Sendable () throws -> Result) throws -> Result {
    try Task.checkCancellation()
    return try work()
  }
}

/// A queue of its own: a computation of minutes must not hold a thread of the cooperative pool.
private final class ComputeExecutor: SerialExecutor {
  private let queue = DispatchQueue(label: "null-text-inversion.compute", qos: .userInitiated)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
