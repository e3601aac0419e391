/// The memory of one or more tensors: a block of the pool, or bytes that somebody else keeps (a mapped file).
///
/// `@unchecked Sendable`: a block is written only by the one tensor that holds the only reference to it
/// (`Tensor.withMutableScalars`) or before the first tensor has it (`Tensor.init(shape:initializingWith:)`).
package final class TensorStorage: @unchecked Sendable {
  package let scalars: UnsafeMutableBufferPointer<Float>
  private let owner: AnyObject?

  /// A block of the pool, its scalars not yet written.
  package init(count: Int) {
    scalars = UnsafeMutableBufferPointer(start: BufferPool.shared.take(count), count: count)
    owner = nil
  }

  /// Scalars that `owner` keeps and that must not be written.
  package init(borrowing scalars: UnsafeBufferPointer<Float>, owner: AnyObject) {
    self.scalars = UnsafeMutableBufferPointer(mutating: scalars)
    self.owner = owner
  }

  deinit {
    if owner == nil, let base = scalars.baseAddress { BufferPool.shared.give(base, count: scalars.count) }
  }

  package var count: Int { scalars.count }

  package var isWritable: Bool { owner == nil }

  package func copy() -> TensorStorage {
    let copy = TensorStorage(count: count)
    _ = copy.scalars.initialize(fromContentsOf: scalars)
    return copy
  }
}
