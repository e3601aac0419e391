/// An element of an update sequence: the progress of a long call, or its result.
public enum EditorUpdate<Result: Sendable>: Sendable {
  /// The progress of the call.
  case progress(EditorProgress)
  /// The result of the call; the last element.
  case finished(Result)
}

/// The updates of a long call.
///
/// Leaving the loop over them cancels the call.
public typealias EditorUpdates<Result: Sendable> = AsyncThrowingStream<EditorUpdate<Result>, any Error>

extension AsyncThrowingStream where Element: Sendable, Failure == any Error {
  /// Creates a stream of the values that `work` sends from a separate task; ending the iteration cancels the task.
  package init(
    sending work: @escaping @Sendable (_ send: @escaping @Sendable (Element) -> Void) async throws -> Void
  ) {
    self.init { continuation in
      let task = Task {
        do {
          try await work { continuation.yield($0) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  /// Creates the updates of a call that reports its progress to a handler.
  init<Result: Sendable>(
    of call: @escaping @Sendable (@escaping ProgressHandler) async throws -> Result
  ) where Element == EditorUpdate<Result> {
    self.init(sending: { send in send(.finished(try await call { send(.progress($0)) })) })
  }
}
