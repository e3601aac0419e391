internal import Dispatch
internal import Tensor

/// Runs long computations one after the other, off the threads that Swift's tasks share.
///
/// Work runs inside the caller's task, so that it sees its cancellation. A task that is cancelled while it waits for its
/// turn leaves the queue at once.
final class ComputeQueue: Sendable {
  private struct State {
    var isBusy = false
    var lastTicket = 0
    /// Those who wait, in their order.
    var waiting: [(ticket: Int, turn: CheckedContinuation<Void, any Error>)] = []
  }

  private let state = Lock(State())
  private let worker = Worker()

  /// Waits for its turn, then does `work` on a thread of its own.
  ///
  /// - Throws: `CancellationError` if the task is cancelled before the work begins; what `work` throws.
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
          // Cancelled before it could be seen waiting.
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

/// Does the work of a queue on a thread that no other task needs: a computation of minutes must not hold a thread of the
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
