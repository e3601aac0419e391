/// Calls `body` with memory for `count` numbers, not initialised, that is free again when it returns.
package func withScratch<R>(_ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> R) rethrows -> R {
  let base = BufferPool.shared.take(count)
  defer { BufferPool.shared.give(base, count: count) }
  return try body(base)
}
