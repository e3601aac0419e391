import CTensorKernels
import TestSupport
import Testing

@testable import Tensor

@Suite("Attention at each processor level") struct AttentionKernelTests {
  /// One head, stored between other channels.
  struct Head: CustomTestStringConvertible, Sendable {
    let queries: Int
    let keys: Int
    let depth: Int

    /// Query i attends to the first `seen` + i keys; nil for all keys.
    var seen: Int?

    var testDescription: String { "\(queries) x \(keys) x \(depth)\(seen.map { ", \($0) seen" } ?? "")" }
    var stride: Int { depth + 5 }
    var seenKeys: Int { seen ?? keys }
    var q: Tensor { .random([queries, stride], seed: 1) }
    var k: Tensor { .random([keys, stride], seed: 2) }
    var v: Tensor { .random([keys, stride], seed: 3) }
    var upstream: Tensor { .random([queries, stride], seed: 4) }

    /// Returns the channels of the head.
    func own(_ x: Tensor) -> Tensor { x.columns(0..<depth) }

    var naive: NaiveAttention {
      NaiveAttention(
        own(q).doubles, own(k).doubles, own(v).doubles, queries: queries, keys: keys, heads: 1, seen: seenKeys
      )
    }
  }

  /// Groups of lanes with one and two panels, complete and incomplete; several blocks of keys and of queries; head
  /// sizes that fill strips and that do not.
  static let heads =
    [
      (1, 1, 1), (3, 77, 40), (16, 5, 8), (17, 300, 5), (33, 16, 80), (77, 1, 17), (49, 513, 64),
      (128, 77, 160),
      (127, 260, 16), (5, 140, 300), (32, 64, 512),
    ].map { Head(queries: $0.0, keys: $0.1, depth: $0.2) } + [
      Head(queries: 77, keys: 77, depth: 12, seen: 1), Head(queries: 40, keys: 300, depth: 6, seen: 250),
      Head(queries: 50, keys: 20, depth: 3, seen: 7),
    ]

  private func attend(
    _ level: Level, _ head: Head, _ q: Tensor, _ k: Tensor, _ v: Tensor
  ) -> (output: Tensor, statistics: [Float]) {
    var output = [Float](repeating: 7, count: head.queries * head.stride)
    var statistics = [Float](repeating: 7, count: 2 * (head.queries + 3))
    var scratch = [Float](repeating: .nan, count: ctk_attention_scratch(head.depth))
    // The maximum number of queries of a call.
    for first in stride(from: 0, to: head.queries, by: Int(ctk_attention_queries)) {
      let count = min(Int(ctk_attention_queries), head.queries - first)
      output.withUnsafeMutableBufferPointer { output in
        statistics.withUnsafeMutableBufferPointer { statistics in
          level.table.attend(
            output.baseAddress.map { $0 + first * head.stride }, statistics.baseAddress.map { $0 + first },
            head.queries + 3, q.address(first * head.stride), k.address(), v.address(), head.stride, count,
            head.keys, head.depth, 1 / Float(head.depth).squareRoot(), head.seenKeys + first, &scratch)
        }
      }
    }
    return (Tensor(output, shape: [head.queries, head.stride]), statistics)
  }

  @Test(
    "output for any number of queries, keys and channels, without writes outside", arguments: Level.available,
    heads)
  func forward(level: Level, head: Head) {
    let (output, statistics) = attend(level, head, head.q, head.k, head.v)
    expectClose(
      head.own(output), Tensor(rounding: head.naive.output, shape: [head.queries, head.depth]), relative: 2e-6
    )
    #expect(output.columns(head.depth..<head.stride).scalars.allSatisfy { $0 == 7 })
    #expect(
      statistics.indices.allSatisfy { ($0 % (head.queries + 3) < head.queries) == (statistics[$0] != 7) })
  }

  @Test("probabilities, without writes outside", arguments: Level.available, heads)
  func probabilities(level: Level, head: Head) {
    var p = [Float](repeating: 7, count: head.queries * head.keys + 5)
    var scratch = [Float](
      repeating: .nan, count: ctk_attention_probabilities_scratch(head.keys, head.depth))
    level.table.attention_probabilities(
      &p, head.q.scalars, head.k.scalars, head.stride, head.queries, head.keys, head.depth,
      1 / Float(head.depth).squareRoot(), head.seenKeys, &scratch)
    #expect(p.suffix(5).allSatisfy { $0 == 7 })
    let shape = [head.queries, head.keys]
    expectClose(
      Tensor(p.dropLast(5), shape: shape), Tensor(rounding: head.naive.probabilities, shape: shape),
      relative: 2e-6)
  }

  /// Returns the gradients as rows; nil for those that are not requested.
  private func gradients(
    _ level: Level, _ head: Head, wanting wanted: (q: Bool, k: Bool, v: Bool)
  ) -> [Tensor?] {
    let scale = 1 / Float(head.depth).squareRoot()
    let (output, statistics) = attend(level, head, head.q, head.k, head.v)
    func lanes(_ tokens: Int) -> [Float] {
      [Float](repeating: .nan, count: (tokens + ctk_attention_lanes) * head.depth)
    }
    var (dq, dk, dv) = (lanes(head.queries), lanes(head.keys), lanes(head.keys))
    var scratch = [Float](repeating: .nan, count: ctk_attention_vjp_scratch(head.queries, head.depth))
    dq.withUnsafeMutableBufferPointer { dq in
      dk.withUnsafeMutableBufferPointer { dk in
        dv.withUnsafeMutableBufferPointer { dv in
          level.table.attend_vjp(
            wanted.q ? dq.baseAddress : nil, wanted.k ? dk.baseAddress : nil, wanted.v ? dv.baseAddress : nil,
            head.q.scalars, head.k.scalars, head.v.scalars, output.scalars, head.upstream.scalars,
            head.stride,
            statistics, head.queries + 3, head.queries, head.keys, head.depth, scale, head.seenKeys, &scratch)
        }
      }
    }
    func rows(_ lanes: [Float], _ tokens: Int, _ factor: Float) -> Tensor {
      var rows = [Float](repeating: 7, count: tokens * head.stride)
      level.table.sum_lanes(&rows, head.stride, lanes, 1, 0, tokens, head.depth, factor)
      let result = Tensor(rows, shape: [tokens, head.stride])
      #expect(result.columns(head.depth..<head.stride).scalars.allSatisfy { $0 == 7 })
      return head.own(result)
    }
    return [
      wanted.q ? rows(dq, head.queries, scale) : nil, wanted.k ? rows(dk, head.keys, scale) : nil,
      wanted.v ? rows(dv, head.keys, 1) : nil,
    ]
  }

  @Test(
    "gradients equal the chain rule, also for several blocks of queries", arguments: Level.available,
    heads + [Head(queries: 300, keys: 290, depth: 7), Head(queries: 150, keys: 150, depth: 4, seen: 1)])
  func backward(level: Level, head: Head) {
    let expected = head.naive.gradients(head.own(head.upstream).doubles)
    let found = gradients(level, head, wanting: (true, true, true))
    let exact = [(expected.query, head.queries), (expected.key, head.keys), (expected.value, head.keys)]
    for (gradient, (expected, tokens)) in zip(found, exact) {
      let gradient = gradient ?? Tensor(zeros: [tokens, head.depth])
      expectClose(gradient, Tensor(rounding: expected, shape: [tokens, head.depth]), relative: 1e-5)
    }
    for (q, k, v) in [(true, false, false), (false, true, false), (false, false, true), (false, true, true)] {
      let part = gradients(level, head, wanting: (q, k, v))
      for (one, all) in zip(part, found) where one != nil { #expect(one?.scalars == all?.scalars) }
    }
  }

  @Test("the parts of a gradient are summed", arguments: Level.available)
  func sums(level: Level) {
    let (tokens, depth, parts, stride) = (37, 21, 3, 64 * 21)
    let head = Head(queries: tokens, keys: 4, depth: depth)
    let lanes = Tensor.random([parts, stride], seed: 5)
    func rows(_ lanes: [Float], _ parts: Int, _ factor: Float) -> [Float] {
      var rows = [Float](repeating: 0, count: tokens * head.stride)
      level.table.sum_lanes(&rows, head.stride, lanes, parts, stride, tokens, depth, factor)
      return rows
    }
    let single = (0..<parts).map { rows(lanes[$0].scalars, 1, 1) }
    for (i, sum) in rows(lanes.scalars, parts, 0.5).enumerated() {
      #expect(abs(sum - 0.5 * (single[0][i] + single[1][i] + single[2][i])) < 1e-6)
    }
  }

  @Test("NaN and infinity propagate and stay in their rows", arguments: Level.available)
  func ends(level: Level) {
    let head = Head(queries: 40, keys: 300, depth: 10)
    func output(q: (Int, Float)? = nil, k: (Int, Float)? = nil, v: (Int, Float)? = nil) -> Tensor {
      func altered(_ x: Tensor, _ place: (Int, Float)?) -> Tensor {
        guard let (row, number) = place else { return x }
        var scalars = x.scalars
        scalars[row * head.stride + 2] = number
        return Tensor(scalars, shape: x.shape)
      }
      return head.own(attend(level, head, altered(head.q, q), altered(head.k, k), altered(head.v, v)).output)
    }
    for number in [Float.nan, -.nan, Float(bitPattern: 0x7fc0_0001), .infinity] {
      let ofQuery = output(q: (17, number))
      for row in 0..<head.queries {
        #expect(ofQuery[row].scalars.allSatisfy { row == 17 ? $0.isNaN : $0.isFinite })
      }
      // The last key of the first block and the first key of the second.
      for key in [255, 256] {
        let ofValue = output(v: (key, number))
        #expect((0..<head.queries).allSatisfy { !ofValue[$0].scalars[2].isFinite })
        #expect((0..<head.queries).allSatisfy { ofValue[$0].scalars[3].isFinite })
      }
    }
    for key in [0, 299] { #expect(output(k: (key, .nan)).scalars.allSatisfy { $0.isNaN }) }
  }

  @Test(
    "a key with score minus infinity has zero weight; if all keys have it, the result is NaN",
    arguments: Level.available
  )
  func infinitelyNegative(level: Level) {
    for keys in [2, 600] {
      let head = Head(queries: 18, keys: keys, depth: 1)
      let q = Tensor(repeating: 1, shape: head.q.shape)
      // All but the last key, which is in another block if there are many.
      var k = [Float](repeating: -.infinity, count: keys * head.stride)
      k[(keys - 1) * head.stride] = 3
      let some = attend(level, head, q, Tensor(k, shape: head.k.shape), head.v).output
      #expect(head.own(some).scalars.allSatisfy { $0 == head.v.scalars[(keys - 1) * head.stride] })
      k[(keys - 1) * head.stride] = -.infinity
      let none = attend(level, head, q, Tensor(k, shape: head.k.shape), head.v).output
      #expect(head.own(none).scalars.allSatisfy { $0.isNaN })
    }
  }

  @Test("scores of ten thousand do not overflow", arguments: Level.available)
  func largeScores(level: Level) {
    let head = Head(queries: 20, keys: 520, depth: 1)
    let q = Tensor(repeating: 100, shape: head.q.shape)
    for (largest, sign) in [(0, Float(1)), (300, 1), (519, -1)] {
      let k = (0..<head.keys).flatMap { key in
        [sign * (key == largest ? 100 : -100)] + [Float](repeating: 0, count: head.stride - 1)
      }
      let y = head.own(attend(level, head, q, Tensor(k, shape: head.k.shape), head.v).output)
      let others = head.own(head.v).sum - head.own(head.v).scalars[largest]
      let expected = sign > 0 ? head.own(head.v).scalars[largest] : others / Float(head.keys - 1)
      #expect(y.scalars.allSatisfy { abs($0 - expected) < 1e-5 })
    }
  }
}
