/// Calls `body` with an uninitialized scratch buffer for `count` elements, freed when `body` returns.
package func withScratch<R>(_ count: Int, _ body: (UnsafeMutablePointer<Float>) throws -> R) rethrows -> R {
  let base = BufferPool.shared.take(count)
  defer { BufferPool.shared.give(base, count: count) }
  return try body(base)
}
