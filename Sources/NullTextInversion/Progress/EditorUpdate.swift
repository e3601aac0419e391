/// What a long call sends while it runs, and in the end its result.
public enum EditorUpdate<Result: Sendable>: Sendable {
  /// How far the call has come.
  case progress(EditorProgress)
  /// The call's result; nothing follows.
  case finished(Result)
}

/// The updates of a long call.
///
/// Leaving the loop over them cancels the call.
public typealias EditorUpdates<Result: Sendable> = AsyncThrowingStream<EditorUpdate<Result>, any Error>

extension AsyncThrowingStream where Element: Sendable, Failure == any Error {
  /// What `work` sends while it runs, in a task of its own; whoever leaves the loop over the stream cancels it.
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

  /// The updates of a long call that reports its progress to a handler.
  init<Result: Sendable>(
    of call: @escaping @Sendable (@escaping ProgressHandler) async throws -> Result
  ) where Element == EditorUpdate<Result> {
    self.init(sending: { send in send(.finished(try await call { send(.progress($0)) })) })
  }
}
