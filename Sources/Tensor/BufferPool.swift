internal import Synchronization

/// Keeps freed blocks for the next tensor of about the same size.
///
/// A network evaluation allocates the same few hundred blocks each time. Given back to the operating system, their
/// pages would be faulted in again at every one; kept here, they are warm. Sizes are rounded up to eighths of a power
/// of two, so that a block serves every size close to its own.
package final class BufferPool: Sendable {
  package static let shared = BufferPool()

  private struct Shelves {
    /// Addresses of free blocks by capacity.
    var blocks: [Int: [UInt]] = [:]
    var keptBytes = 0
  }

  private let shelves = Mutex(Shelves())
  private let limit = Atomic<Int>(1 << 30)

  /// How many bytes of free blocks are kept at most; what is more goes back to the operating system.
  package var byteLimit: Int {
    get { limit.load(ordering: .relaxed) }
    set { limit.store(newValue, ordering: .relaxed) }
  }

  package static func capacity(for count: Int) -> Int {
    guard count > 64 else { return 64 }
    let step = 1 << max(0, (Int.bitWidth - (count - 1).leadingZeroBitCount) - 4)
    return (count + step - 1) / step * step
  }

  package func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let capacity = Self.capacity(for: count)
    let kept = shelves.withLock { shelves -> UInt? in
      guard let block = shelves.blocks[capacity]?.popLast() else { return nil }
      shelves.keptBytes -= capacity * 4
      return block
    }
    let block =
      kept.flatMap(UnsafeMutableRawPointer.init(bitPattern:))
      ?? UnsafeMutableRawPointer.allocate(byteCount: capacity * 4, alignment: 64)
    return block.bindMemory(to: Float.self, capacity: capacity)
  }

  package func give(_ base: UnsafeMutablePointer<Float>, count: Int) {
    let capacity = Self.capacity(for: count)
    let block = UInt(bitPattern: base)
    let limit = byteLimit
    let isKept = shelves.withLock { shelves in
      guard shelves.keptBytes + capacity * 4 <= limit else { return false }
      shelves.blocks[capacity, default: []].append(block)
      shelves.keptBytes += capacity * 4
      return true
    }
    if !isKept { UnsafeMutableRawPointer(base).deallocate() }
  }

  /// Gives all kept blocks back to the operating system.
  package func drain() {
    let blocks = shelves.withLock { shelves in
      defer { shelves = Shelves() }
      return shelves.blocks.values.flatMap { $0 }
    }
    for block in blocks { UnsafeMutableRawPointer(bitPattern: block)?.deallocate() }
  }
}
