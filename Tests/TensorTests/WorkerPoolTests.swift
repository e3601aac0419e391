import Foundation
import Synchronization
import Testing

@testable import Tensor

@Suite("Worker pool", .serialized) struct WorkerPoolTests {
  // Wider than the machine. Its helpers never end, so the pool must live as long as the process.
  private static let pool = WorkerPool(helperCount: 8)

  // Runs no other loops: a helper that comes late makes its pool run many of the next loops alone.
  private static let pristine = WorkerPool(helperCount: 8)

  @Test(
    "each index runs once, whatever the count and the number of workers", arguments: [1, 2, 3, 9, 50, 600])
  func indices(workers: Int) {
    for count in Array(0...20) + [63, 64, 65, 511, 512, 1000, 5000] {
      #expect(visits(count, workers: workers).allSatisfy { $0 == 1 }, "\(count) indices")
    }
  }

  @Test("many short loops in a row run completely")
  func shortLoops() {
    for count in 0..<3000 {
      let visits = visits(count % 12, workers: 9)
      #expect(visits.allSatisfy { $0 == 1 })
    }
  }

  @Test("helpers take part")
  func helpers() {
    // On a busy machine all helpers may miss a loop, but not fifty.
    let tookPart = (0..<50).contains { _ in
      let threads = Mutex<Set<ObjectIdentifier>>([])
      Self.pristine.run(16, workers: 9) { _ in
        threads.withLock { _ = $0.insert(ObjectIdentifier(Thread.current)) }
        usleep(1000)
      }
      return threads.withLock { $0.count } > 1
    }
    #expect(tookPart)
  }

  @Test("helpers that slept wake up for the next loop")
  func sleep() {
    for _ in 0..<5 {
      usleep(20_000)
      #expect(visits(100, workers: 9).allSatisfy { $0 == 1 })
    }
  }

  @Test("a loop in a loop runs on its own thread and completely")
  func nested() {
    let outer = counters(20)
    let inner = counters(20 * 30)
    Self.pool.run(20, workers: 9) { i in
      outer[i].increment()
      Self.pool.run(30, workers: 9) { j in inner[30 * i + j].increment() }
    }
    #expect(values(outer).allSatisfy { $0 == 1 } && values(inner).allSatisfy { $0 == 1 })
  }

  @Test("loops of several threads at once run completely and give the same")
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

  @Test("a pool without helpers runs everything on the calling thread")
  func noHelpers() {
    let alone = WorkerPool(helperCount: 0)
    var indices: [Int] = []
    withoutActuallyEscaping({ indices.append($0) }) { alone.run(10, workers: 4, $0) }
    #expect(indices == Array(0..<10))
  }

  /// How often each index of a loop ran.
  private func visits(_ count: Int, workers: Int) -> [Int] {
    let counters = counters(count)
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
