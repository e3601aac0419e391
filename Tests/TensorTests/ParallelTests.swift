import Foundation
import TestSupport
import Testing

@testable import Tensor

@Suite("Parallel loops", .serialized) struct ParallelTests {
  @Test("every index is visited once", arguments: [0, 1, 2, 3, 7, 64, 1000])
  func indices(count: Int) {
    let visits = Tensor(shape: [count]) { visits in
      visits.initialize(repeating: 0)
      Parallel.forEach(count) { visits[$0] += 1 }
    }
    #expect(visits.scalars.allSatisfy { $0 == 1 })
  }

  @Test(
    "ranges cover all indices once, in pieces of the grain size",
    arguments: [(0, 4), (1, 1), (4, 4), (5, 4), (103, 10), (3, 0), (5, -3), (7, 1000), (1000, 1), (999, 998)])
  func ranges(count: Int, grain: Int) {
    let lengths = Tensor(shape: [count]) { lengths in
      lengths.initialize(repeating: 0)
      Parallel.forEachRange(of: count, grain: grain) { range in
        for i in range { lengths[i] += Float(range.count) }
      }
    }
    for (i, length) in lengths.scalars.enumerated() {
      let size = max(grain, 1)
      #expect(length == Float(min(size, count - i / size * size)))
    }
  }

  @Test("a negative count runs nothing")
  func negative() {
    Parallel.forEach(-1) { Issue.record("index \($0)") }
    Parallel.forEachRange(of: -1, grain: 4) { Issue.record("range \($0)") }
  }

  @Test("an error thrown by a piece is rethrown", arguments: [1, 2, 8])
  func errors(threads: Int) {
    struct Failure: Error, Equatable { let index: Int }
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    Parallel.threadCount = threads
    #expect(throws: Failure(index: 500)) {
      try Parallel.forEach(1000) { if $0 == 500 { throw Failure(index: $0) } }
    }
    #expect(throws: Failure(index: 40)) {
      try Parallel.forEachRange(of: 50, grain: 8) {
        if $0.contains(40) { throw Failure(index: $0.lowerBound) }
      }
    }
    #expect(throws: Failure.self) { try Parallel.forEach(1000) { throw Failure(index: $0) } }
    #expect(throws: Failure(index: 0)) {
      try Parallel.forEachRange(of: 5, grain: 8) { throw Failure(index: $0.lowerBound) }
    }
  }

  #if os(Linux)
    @Test("the processor count is the number that the system allows this process to use")
    func processors() throws {
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") })
      let digits = line.drop { $0 != "\t" }.compactMap(\.hexDigitValue)
      #expect(Parallel.processorCount == digits.reduce(0) { $0 + $1.nonzeroBitCount })
    }
  #endif

  @Test("results are bitwise the same for any number of threads")
  func threads() {
    let x = Tensor.random([110, 10, 64])
    let dy = Tensor.random(x.shape, seed: 2)
    let scale = Tensor.random([64], seed: 3)
    let kernel = Tensor.random([64, 64, 3, 3], seed: 4)
    func results() -> [Tensor] {
      let operations: [(Variable) -> Variable] = [
        { $0.silu() }, { $0.softmax() }, { LayerNorm(scale: scale, shift: scale)($0) },
        { GroupNorm(scale: scale, shift: scale, groups: 4, epsilon: 1e-5)($0, thenSiLU: true) },
        { Linear(weight: kernel.reshaped([64, 576]).columns(0..<64), bias: scale)($0) },
        { Convolution(weight: kernel, bias: scale, padding: .all(1))($0) },
        { tokens in
          let x = tokens.reshaped([1100, 64])
          return Attention(heads: 4, channels: 64)(query: x, key: x, value: x).reshaped(tokens.shape)
        },
        { $0 * $0 }, { .combination(0.3, $0, 0.7, Variable(dy)) },
      ]
      let gradients = operations.map { operation in valueAndGradient(at: x) { operation($0).dot(dy) } }
      return gradients.flatMap { [Tensor(repeating: $0.value, shape: []), $0.gradient] }
        + [Tensor(repeating: x.meanSquaredDifference(to: dy), shape: []), Variable(x).geglu().value]
    }
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    Parallel.threadCount = 1
    let alone = results()
    for count in [2, 3, 8] {
      Parallel.threadCount = count
      #expect(results() == alone)
    }
  }
}
