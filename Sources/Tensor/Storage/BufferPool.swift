internal import Synchronization

/// An allocator that keeps freed blocks for the next tensor of about the same size.
///
/// Each network evaluation allocates the same few hundred blocks. Kept blocks spare the page faults of fresh memory.
/// Sizes are rounded up to eighths of a power of two, and a block serves sizes down to four fifths of its own. Above the byte
/// limit the block that was freed longest ago goes first: the sizes of one network make room for those of the next.
package final class BufferPool: Sendable {
  package static let shared = BufferPool()

  private struct Block {
    let address: UInt
    /// The number of blocks that were kept before this one.
    let age: Int
  }

  private struct Shelves {
    /// Free blocks by capacity, each shelf from the oldest to the newest.
    var blocks: [Int: [Block]] = [:]
    var keptBytes = 0
    var keptCount = 0

    /// Blocks in use that are larger than their tensors need, with their capacities.
    var larger: [UInt: Int] = [:]

    /// The newest block of this capacity, or else of the next one that is at most a quarter larger.
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

    /// Removes the oldest blocks until no more than `limit` bytes are kept.
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

  /// The largest number of bytes kept in free blocks; `give` returns the rest to the operating system.
  package var byteLimit: Int {
    get { limit.load(ordering: .relaxed) }
    set { limit.store(newValue, ordering: .relaxed) }
  }

  /// The number of bytes kept in free blocks.
  package var keptBytes: Int { shelves.withLock { $0.keptBytes } }

  /// The number of scalars in a block for `count` of them.
  package static func capacity(for count: Int) -> Int {
    guard count > 64 else { return 64 }
    let step = 1 << max(0, (Int.bitWidth - (count - 1).leadingZeroBitCount) - 4)
    return (count + step - 1) / step * step
  }

  /// A block for `count` scalars, not initialised.
  package func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let capacity = Self.capacity(for: count)
    let kept = shelves.withLock { $0.take(capacity: capacity) }
    let block =
      kept.flatMap(UnsafeMutableRawPointer.init(bitPattern:))
      ?? SystemMemory.allocate(byteCount: capacity * 4)
    return block.bindMemory(to: Float.self, capacity: capacity)
  }

  /// Frees the block that `take(count)` returned.
  package func give(_ base: UnsafeMutablePointer<Float>, count: Int) {
    let address = UInt(bitPattern: base)
    let limit = byteLimit
    free(
      shelves.withLock { shelves in
        shelves.keep(address, capacity: Self.capacity(for: count))
        return shelves.surplus(over: limit)
      })
  }

  /// Returns all kept blocks to the operating system.
  ///
  /// - Parameter byteCount: so many bytes, or fewer, are kept, since fresh memory costs time.
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
