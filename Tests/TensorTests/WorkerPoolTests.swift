import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Tensor

@Suite("Worker pool", .serialized) struct WorkerPoolTests {
  // Larger than the processor count of most test machines.
  private static let pool = WorkerPool(helperLimit: 8)

  @Test(
    "each index runs once for any count and number of workers",
    arguments: [-1, 0, 1, 2, 3, 9, 50, 600])
  func indices(workers: Int) {
    for count in Array(-1...20) + [63, 64, 65, 511, 512, 1000, 5000] {
      #expect(visits(count, workers: workers).allSatisfy { $0 == 1 }, "\(count) indices")
    }
  }

  @Test("many short loops in succession run completely")
  func shortLoops() {
    for count in 0..<3000 {
      let visits = visits(count % 12, workers: 9)
      #expect(visits.allSatisfy { $0 == 1 })
    }
  }

  @Test("helpers take part in loops")
  func helpers() {
    // On a busy machine all helpers may miss one loop, but not fifty. The test uses a separate pool without other
    // loops, because after a late helper a pool runs many loops on the calling thread alone.
    let pool = WorkerPool(helperLimit: 8)
    #expect((0..<50).contains { _ in threads(of: pool, count: 16, workers: 9) > 1 })
  }

  @Test("sleeping helpers wake up for the next loop")
  func sleep() {
    for _ in 0..<5 {
      usleep(20_000)
      #expect(visits(100, workers: 9).allSatisfy { $0 == 1 })
    }
  }

  @Test("a nested loop runs completely on its own thread")
  func nested() {
    let outer = counters(20)
    let inner = counters(20 * 30)
    Self.pool.run(20, workers: 9) { i in
      outer[i].increment()
      Self.pool.run(30, workers: 9) { j in inner[30 * i + j].increment() }
    }
    #expect(values(outer).allSatisfy { $0 == 1 } && values(inner).allSatisfy { $0 == 1 })
  }

  @Test("concurrent loops of several threads run completely with the same results")
  func concurrent() {
    let failures = Atomic<Int>(0)
    let group = DispatchGroup()
    for thread in 0..<6 {
      group.enter()
      Thread {
        for round in 0..<100 {
          let count = 1 + (round * 7 + thread) % 90
          if visits(count, workers: 9).contains(where: { $0 != 1 }) {
            failures.wrappingAdd(1, ordering: .relaxed)
          }
        }
        group.leave()
      }.start()
    }
    group.wait()
    #expect(failures.load(ordering: .relaxed) == 0)
  }

  @Test("concurrent loops of several tasks run completely")
  func tasks() async {
    await withTaskGroup(of: Bool.self) { group in
      for task in 0..<6 {
        group.addTask {
          (0..<100).allSatisfy { round in
            visits(1 + (round * 5 + task) % 70, workers: 2 + round % 8).allSatisfy { $0 == 1 }
          }
        }
      }
      #expect(await group.allSatisfy { $0 })
    }
  }

  @Test("short loops of changing widths give the sums of a plain loop", arguments: [1, 2, 3])
  func widths(seed: UInt64) {
    var random = SplitMix(seed: seed)
    for _ in 0..<3000 {
      let count = Int(random.next() % 200)
      let workers = 1 + Int(random.next() % 12)
      let factor = Int(random.next() % 1000)
      let sum = Atomic<Int>(0)
      Self.pool.run(count, workers: workers) { sum.wrappingAdd(factor * $0, ordering: .relaxed) }
      #expect(sum.load(ordering: .relaxed) == factor * count * (count - 1) / 2)
    }
  }

  @Test("a pool without helpers runs everything on the calling thread", arguments: [0, -1])
  func noHelpers(limit: Int) {
    let alone = WorkerPool(helperLimit: limit)
    var indices: [Int] = []
    withoutActuallyEscaping({ indices.append($0) }) { alone.run(10, workers: 4, $0) }
    #expect(indices == Array(0..<10))
  }

  @Test("the number of helpers is that of the widest loop so far")
  func helperCount() {
    let pool = WorkerPool(helperLimit: 5)
    for (count, workers, helpers) in [
      (100, 1, 0), (1, 9, 0), (0, 9, 0), (2, 9, 1), (100, 3, 2), (2, 3, 2), (4, 9, 3), (100, 600, 5),
    ] {
      // After a late helper, the next loops run without helpers.
      for _ in 0..<2000 where pool.helperCount < helpers { pool.run(count, workers: workers) { _ in } }
      #expect(pool.helperCount == helpers, "after \(count) pieces on \(workers) threads")
    }
  }

  @Test("helpers that a loop does not use sleep while it runs")
  func surplus() {
    let pool = startedPool(helpers: 8)
    let threads = Lock<Set<ObjectIdentifier>>([])
    pool.run(3, workers: 3) { _ in
      threads.withLock { _ = $0.insert(ObjectIdentifier(Thread.current)) }
      #expect(eventually { pool.sleeperCount >= 6 })
    }
    #expect((1...3).contains(threads.withLock { $0.count }))
  }

  @Test(
    "a loop wakes as many helpers as can join it",
    arguments: [(100, 3, 2), (2, 9, 1), (5, 9, 4), (100, 9, 8)])
  func wakeUps(count: Int, workers: Int, helpers: Int) {
    let pool = startedPool(helpers: 8)
    var woken = 0
    // After a late helper, the next loops run without helpers and wake none.
    for _ in 0..<2000 where woken == 0 {
      #expect(eventually { pool.sleeperCount == 8 })
      let before = pool.wakeUpCount
      pool.run(count, workers: workers) { _ in }
      woken = pool.wakeUpCount - before
    }
    #expect(woken == helpers)
  }

  /// Returns a pool whose helpers are all started.
  private func startedPool(helpers: Int) -> WorkerPool {
    let pool = WorkerPool(helperLimit: helpers)
    pool.run(helpers + 1, workers: helpers + 1) { _ in }
    #expect(pool.helperCount == helpers)
    return pool
  }

  /// Returns whether a condition becomes true within a minute.
  private func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<60_000 {
      if condition() { return true }
      usleep(1000)
    }
    return condition()
  }

  /// Returns the number of threads that take part in a loop.
  private func threads(of pool: WorkerPool, count: Int, workers: Int) -> Int {
    let threads = Lock<Set<ObjectIdentifier>>([])
    pool.run(count, workers: workers) { _ in
      threads.withLock { _ = $0.insert(ObjectIdentifier(Thread.current)) }
      usleep(1000)
    }
    return threads.withLock { $0.count }
  }

  /// Returns the number of times each index of a loop ran.
  private func visits(_ count: Int, workers: Int) -> [Int] {
    let counters = counters(max(count, 0))
    Self.pool.run(count, workers: workers) { counters[$0].increment() }
    return values(counters)
  }

  private func counters(_ count: Int) -> [Counter] { (0..<count).map { _ in Counter() } }

  private func values(_ counters: [Counter]) -> [Int] { counters.map(\.count) }
}

private final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  var count: Int { value.load(ordering: .acquiring) }
  func increment() { value.wrappingAdd(1, ordering: .relaxed) }
}
