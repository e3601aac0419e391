/// The memory of one or more tensors: a block of the pool.
///
/// `@unchecked Sendable`: a block is written only through its only reference (`Tensor.withMutableScalars`) or before
/// the first tensor uses it (`Tensor.init(shape:initializingWith:)`).
package final class TensorStorage: @unchecked Sendable {
  package let scalars: UnsafeMutableBufferPointer<Float>

  /// Creates a block with uninitialized elements.
  package init(count: Int) {
    TensorMemory.add(count)
    scalars = UnsafeMutableBufferPointer(start: BufferPool.shared.take(count), count: count)
  }

  deinit {
    TensorMemory.add(-count)
    if let base = scalars.baseAddress { BufferPool.shared.give(base, count: scalars.count) }
  }

  package var count: Int { scalars.count }

  package func copy() -> TensorStorage {
    let copy = TensorStorage(count: count)
    _ = copy.scalars.initialize(fromContentsOf: scalars)
    return copy
  }
}
