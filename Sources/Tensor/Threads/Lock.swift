internal import CTensorKernels
internal import Synchronization

/// A value that one thread at a time may use.
///
/// This is a `Mutex` with annotations for ThreadSanitizer, which cannot see it otherwise: the library of `Mutex` is not
/// instrumented.
package struct Lock<Value: ~Copyable>: ~Copyable {
  private let mutex: Mutex<Value>

  package init(_ value: consuming sending Value) {
    mutex = Mutex(value)
  }

  /// Calls `body` with the value while no other thread uses it.
  package borrowing func withLock<Result: ~Copyable, E: Error>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result {
    try mutex.withLock { value throws(E) in
      withUnsafePointer(to: mutex) { ctk_lock_acquired($0) }
      defer { withUnsafePointer(to: mutex) { ctk_lock_released($0) } }
      return try body(&value)
    }
  }
}

extension Lock: Sendable where Value: ~Copyable {}
