import Foundation
import Tensor
import Testing

@testable import NullTextInversion

@Suite("Compute queue") struct ComputeQueueTests {
  private struct Failure: Error {}

  /// A value shared between tasks.
  private final class Shared<Value: Sendable>: Sendable {
    private let value: Lock<Value>

    init(_ value: Value) { self.value = Lock(value) }

    func withLock<Result: Sendable>(_ body: (inout sending Value) -> sending Result) -> Result {
      value.withLock(body)
    }
  }

  /// Work that runs until `open()` is called.
  private final class Gate: Sendable {
    private let (begun, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))

    func pass() {
      begun.signal()
      ended.wait()
    }

    func waitUntilBegun() async {
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          self.begun.wait()
          continuation.resume()
        }
      }
    }

    func open() { ended.signal() }
  }

  @Test("runs one piece of work at a time and each exactly once, even if others throw or are cancelled")
  func exclusive() async throws {
    let queue = ComputeQueue()
    let state = Shared((running: 0, most: 0, done: 0))
    await withTaskGroup { group in
      for number in 0..<200 {
        group.addTask {
          let task = Task {
            try await queue.run {
              state.withLock { state in
                state.running += 1
                state.most = max(state.most, state.running)
              }
              if number.isMultiple(of: 3) { usleep(100) }
              state.withLock { state in
                state.running -= 1
                state.done += 1
              }
              if number.isMultiple(of: 5) { throw Failure() }
            }
          }
          if number.isMultiple(of: 7) { task.cancel() }
          _ = await task.result
        }
      }
    }
    let (running, most, done) = state.withLock { $0 }
    #expect(running == 0 && most == 1)
    #expect(done >= 200 - 29 && done <= 200)
    #expect(try await queue.run { 7 } == 7)
  }

  @Test(
    "a task that is cancelled while it waits leaves the queue immediately, and the others keep their order")
  func waiting() async throws {
    let queue = ComputeQueue()
    let gate = Gate()
    let order = Shared([Int]())
    let first = Task { try await queue.run { gate.pass() } }
    await gate.waitUntilBegun()
    var waiting: [Task<Void, any Error>] = []
    for number in 0..<3 {
      waiting.append(Task { try await queue.run { order.withLock { $0.append(number) } } })
      // Long enough for the task to be queued before the next one.
      try await Task.sleep(for: .milliseconds(50))
    }
    waiting[1].cancel()
    // The first piece of work is still running, so this returns only if the task leaves the queue.
    await #expect(throws: CancellationError.self) { try await waiting[1].value }
    #expect(order.withLock { $0.isEmpty })
    gate.open()
    try await first.value
    for number in [0, 2] { try await waiting[number].value }
    #expect(order.withLock { $0 } == [0, 2])
  }

  @Test("runs no work for a task that was cancelled before")
  func cancelled() async throws {
    let queue = ComputeQueue()
    let isDone = Shared(false)
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await queue.run { isDone.withLock { $0 = true } }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(!isDone.withLock { $0 })
  }
}
