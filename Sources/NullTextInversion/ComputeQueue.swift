internal import Dispatch
internal import Tensor

/// Runs long computations one at a time, outside the threads of Swift's cooperative pool.
///
/// Work runs inside the caller's task and therefore sees its cancellation. A task that is cancelled while it waits
/// leaves the queue immediately.
final class ComputeQueue: Sendable {
  private struct State {
    var isBusy = false
    var lastTicket = 0
    /// The waiting tasks, first come first served.
    var waiting: [(ticket: Int, turn: CheckedContinuation<Void, any Error>)] = []
  }

  private let state = Lock(State())
  private let worker = Worker()

  /// Waits until the queue is free, then runs `work` on the worker thread.
  ///
  /// - Throws: `CancellationError` if the task is cancelled before the work begins; the errors of `work`.
  func run<Result: Sendable>(_ work: @Sendable () throws -> Result) async throws -> Result {
    try await takeTurn()
    defer { giveTurn() }
    return try await worker.run(work)
  }

  private func takeTurn() async throws {
    let ticket = state.withLock { state in
      state.lastTicket += 1
      return state.lastTicket
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { turn in
        let isFree = state.withLock { state in
          // Cancelled before it was queued: `onCancel` found no ticket to remove.
          if Task.isCancelled { return Bool?.none }
          if state.isBusy {
            state.waiting.append((ticket, turn))
            return false
          }
          state.isBusy = true
          return true
        }
        switch isFree {
        case nil: turn.resume(throwing: CancellationError())
        case true?: turn.resume()
        case false?: break
        }
      }
    } onCancel: {
      let turn = state.withLock { state in
        state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0).turn }
      }
      turn?.resume(throwing: CancellationError())
    }
  }

  private func giveTurn() {
    let next = state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.isBusy = false
        return CheckedContinuation<Void, any Error>?.none
      }
      return state.waiting.removeFirst().turn
    }
    next?.resume()
  }
}

/// Runs the work of a queue on a dedicated thread, because a computation of minutes must not block a thread of the
/// cooperative pool.
private actor Worker {
  private let executor = WorkerExecutor()

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  func run<Result: Sendable>(_ work: @Sendable () throws -> Result) throws -> Result {
    try Task.checkCancellation()
    return try work()
  }
}

private final class WorkerExecutor: SerialExecutor {
  private let queue = DispatchQueue(label: "null-text-inversion.compute", qos: .userInitiated)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
