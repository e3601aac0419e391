import Testing

@testable import Tensor

@Suite("Buffer pool") struct BufferPoolTests {
  @Test("capacities suffice, increase with the count, and waste at most an eighth")
  func capacity() {
    var last = 0
    for count in Array(0...5000) + [65_535, 65_536, 65_537, 1_000_000, 1 << 30, 1 << 30 + 1] {
      let capacity = BufferPool.capacity(for: count)
      #expect(capacity >= count && capacity >= last && capacity >= 64)
      if count > 64 { #expect(8 * (capacity - count) <= count, "\(capacity) for \(count)") }
      #expect(BufferPool.capacity(for: capacity) == capacity)
      last = capacity
    }
  }

  @Test("a freed block serves the next request of similar size")
  func reuse() {
    let pool = BufferPool()
    defer { pool.drain() }
    let block = pool.take(1000)
    pool.give(block, count: 1000)
    #expect(pool.keptBytes == 4 * BufferPool.capacity(for: 1000))
    let next = pool.take(1020)
    #expect(next == block && pool.keptBytes == 0)
    pool.give(next, count: 1020)
    let other = pool.take(2000)
    #expect(other != block && pool.keptBytes == 4 * BufferPool.capacity(for: 1000))
    pool.give(other, count: 2000)
  }

  /// A small block and a mapped block.
  @Test(
    "a block serves requests down to four fifths of its size, and keeps its capacity",
    arguments: [1000, 3 << 20])
  func largerBlocks(count: Int) {
    let pool = BufferPool()
    defer { pool.drain() }
    let capacity = BufferPool.capacity(for: count)
    let block = pool.take(count)
    pool.give(block, count: count)
    let fitting = capacity * 85 / 100
    #expect(BufferPool.capacity(for: fitting) < capacity)
    #expect(pool.take(fitting) == block && pool.keptBytes == 0)
    pool.give(block, count: fitting)
    #expect(pool.keptBytes == 4 * capacity)
    let small = pool.take(capacity / 2)
    #expect(small != block)
    #expect(pool.take(count) == block)
    block.update(repeating: 1, count: capacity)
    pool.give(small, count: capacity / 2)
    pool.give(block, count: count)
  }

  @Test("blocks in use are not returned again")
  func distinct() {
    let pool = BufferPool()
    defer { pool.drain() }
    let first = (0..<4).map { _ in pool.take(100) }
    for block in first { pool.give(block, count: 100) }
    let second = (0..<6).map { _ in pool.take(100) }
    #expect(Set(second).count == 6 && Set(first).isSubset(of: second))
    for block in second { pool.give(block, count: 100) }
  }

  @Test("every block is writable up to its capacity, and aligned")
  func memory() {
    let pool = BufferPool()
    defer { pool.drain() }
    for count in [0, 1, 63, 64, 65, 1000, 4097] {
      let block = pool.take(count)
      block.update(repeating: 1, count: BufferPool.capacity(for: count))
      #expect(UInt(bitPattern: block).isMultiple(of: 64))
      pool.give(block, count: count)
    }
  }

  @Test("above the byte limit, the block that was freed first is released first")
  func eviction() {
    let pool = BufferPool()
    defer { pool.drain() }
    let counts = [1024, 512, 2048]
    pool.byteLimit = 4 * (512 + 2048)
    let blocks = counts.map { pool.take($0) }
    for (block, count) in zip(blocks, counts) { pool.give(block, count: count) }
    #expect(pool.keptBytes == 4 * (512 + 2048))
    let kept = [pool.take(512), pool.take(2048)]
    #expect(kept == [blocks[1], blocks[2]] && pool.keptBytes == 0)

    // The order of freeing counts, not that of allocation.
    pool.give(kept[1], count: 2048)
    pool.give(kept[0], count: 512)
    let third = pool.take(1024)
    pool.give(third, count: 1024)
    #expect(pool.keptBytes == 4 * (512 + 1024))
  }

  @Test("a block larger than the limit is not kept")
  func tooLarge() {
    let pool = BufferPool()
    pool.byteLimit = 1000
    pool.give(pool.take(1024), count: 1024)
    #expect(pool.keptBytes == 0)
  }

  @Test("a drained pool keeps no blocks and still allocates")
  func drain() {
    let pool = BufferPool()
    for count in [10, 100, 1000] { pool.give(pool.take(count), count: count) }
    pool.drain()
    #expect(pool.keptBytes == 0)
    pool.give(pool.take(10), count: 10)
    #expect(pool.keptBytes == 4 * 64)
    pool.drain()
  }
}
