internal import Synchronization

/// An allocator that keeps freed blocks for later tensors of similar size.
///
/// Each network evaluation allocates the same few hundred blocks. Reuse avoids the page faults of fresh memory. Sizes
/// are rounded up to eighths of a power of two; a block also serves requests down to four fifths of its size. Above the
/// byte limit, the block that was freed first is returned to the system first, so the sizes of one network make room
/// for those of the next.
package final class BufferPool: Sendable {
  package static let shared = BufferPool()

  private struct Block {
    let address: UInt
    /// The number of blocks that were kept before this one.
    let age: Int
  }

  private struct Shelves {
    /// Free blocks by capacity, from the oldest to the newest.
    var blocks: [Int: [Block]] = [:]
    var keptBytes = 0
    var keptCount = 0

    /// Blocks in use that are larger than requested, with their capacities.
    var larger: [UInt: Int] = [:]

    /// Removes and returns the newest block of this capacity, or of the next larger one within a quarter.
    mutating func take(capacity: Int) -> UInt? {
      if let block = blocks[capacity]?.popLast() {
        keptBytes -= capacity * 4
        return block.address
      }
      let fitting = blocks.lazy.filter {
        $0.key > capacity && $0.key <= capacity + capacity / 4 && !$0.value.isEmpty
      }
      guard let other = fitting.map(\.key).min(), let block = blocks[other]?.popLast() else { return nil }
      keptBytes -= other * 4
      larger[block.address] = other
      return block.address
    }

    mutating func keep(_ address: UInt, capacity: Int) {
      let capacity = larger.removeValue(forKey: address) ?? capacity
      blocks[capacity, default: []].append(Block(address: address, age: keptCount))
      keptBytes += capacity * 4
      keptCount += 1
    }

    /// Removes the oldest blocks until at most `limit` bytes are kept, and returns the removed blocks.
    mutating func surplus(over limit: Int) -> [(address: UInt, capacity: Int)] {
      var surplus: [(address: UInt, capacity: Int)] = []
      while keptBytes > limit,
        let (capacity, shelf) = blocks.lazy.filter({ !$0.value.isEmpty }).min(by: {
          $0.value[0].age < $1.value[0].age
        })
      {
        surplus.append((shelf[0].address, capacity))
        blocks[capacity]?.removeFirst()
        keptBytes -= capacity * 4
      }
      return surplus
    }
  }

  private let shelves = Lock(Shelves())
  private let limit = Atomic<Int>(1 << 30)

  /// The limit for the bytes in free blocks; `give` returns any excess to the operating system.
  package var byteLimit: Int {
    get { limit.load(ordering: .relaxed) }
    set { limit.store(newValue, ordering: .relaxed) }
  }

  /// The number of bytes in free blocks.
  package var keptBytes: Int { shelves.withLock { $0.keptBytes } }

  /// Returns the capacity, in elements, of a block for `count` elements.
  package static func capacity(for count: Int) -> Int {
    guard count > 64 else { return 64 }
    let step = 1 << max(0, (Int.bitWidth - (count - 1).leadingZeroBitCount) - 4)
    return (count + step - 1) / step * step
  }

  /// Returns an uninitialized block for `count` elements.
  package func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let capacity = Self.capacity(for: count)
    let kept = shelves.withLock { $0.take(capacity: capacity) }
    let block =
      kept.flatMap(UnsafeMutableRawPointer.init(bitPattern:))
      ?? SystemMemory.allocate(byteCount: capacity * 4)
    return block.bindMemory(to: Float.self, capacity: capacity)
  }

  /// Returns a block from `take(count)` to the pool.
  package func give(_ base: UnsafeMutablePointer<Float>, count: Int) {
    let address = UInt(bitPattern: base)
    let limit = byteLimit
    free(
      shelves.withLock { shelves in
        shelves.keep(address, capacity: Self.capacity(for: count))
        return shelves.surplus(over: limit)
      })
  }

  /// Returns all free blocks to the operating system.
  ///
  /// - Parameter byteCount: Blocks are kept if they total at most this many bytes, because fresh memory costs time.
  package func drain(ifMoreThan byteCount: Int = 0) {
    free(shelves.withLock { $0.keptBytes > byteCount ? $0.surplus(over: 0) : [] })
  }

  private func free(_ blocks: [(address: UInt, capacity: Int)]) {
    for block in blocks {
      guard let base = UnsafeMutableRawPointer(bitPattern: block.address) else { continue }
      SystemMemory.deallocate(base, byteCount: block.capacity * 4)
    }
  }
}
