import Foundation
import TestSupport
import Testing

@testable import Tensor

@Suite("Attention") struct AttentionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let queries: Int
    let keys: Int
    let heads: Int
    let depth: Int
    var isCausal = false

    var attention: Attention { Attention(heads: heads, channels: heads * depth, isCausal: isCausal) }
    var query: Tensor { .random([queries, heads * depth], seed: 41) }
    var key: Tensor { .random([keys, heads * depth], seed: 42) }
    var value: Tensor { .random([keys, heads * depth], seed: 43) }
    func naive(_ q: [Double], _ k: [Double], _ v: [Double]) -> NaiveAttention {
      NaiveAttention(q, k, v, queries: queries, keys: keys, heads: heads, seen: isCausal ? 1 : keys)
    }
    var testDescription: String {
      "\(queries) queries, \(keys) keys, \(heads) heads of \(depth)\(isCausal ? ", causal" : "")"
    }
  }

  static let small = [
    Case(queries: 1, keys: 1, heads: 1, depth: 1), Case(queries: 5, keys: 3, heads: 1, depth: 4),
    Case(queries: 1, keys: 7, heads: 3, depth: 2), Case(queries: 6, keys: 1, heads: 2, depth: 1),
    Case(queries: 4, keys: 9, heads: 2, depth: 5),
    Case(queries: 5, keys: 5, heads: 2, depth: 3, isCausal: true),
    Case(queries: 3, keys: 5, heads: 1, depth: 2, isCausal: true),
    Case(queries: 5, keys: 3, heads: 2, depth: 2, isCausal: true),
    Case(queries: 2, keys: 17, heads: 1, depth: 17),
  ]

  @Test("value, and gradients of queries, keys and values", arguments: small)
  func agreement(of test: Case) {
    let (attention, q, k, v) = (test.attention, test.query, test.key, test.value)
    expectAgreement(
      of: { attention(query: $0, key: Variable(k), value: Variable(v)) }, at: q,
      with: { test.naive($0, k.doubles, v.doubles).output }, gradientError: 2e-5, "queries")
    expectAgreement(
      of: { attention(query: Variable(q), key: $0, value: Variable(v)) }, at: k,
      with: { test.naive(q.doubles, $0, v.doubles).output }, gradientError: 2e-5, "keys")
    expectAgreement(
      of: { attention(query: Variable(q), key: Variable(k), value: $0) }, at: v,
      with: { test.naive(q.doubles, k.doubles, $0).output }, gradientError: 2e-5, "values")
  }

  @Test("gradient of a variable that is queries, keys and values at once", arguments: [false, true])
  func selfAttention(isCausal: Bool) {
    let test = Case(queries: 5, keys: 5, heads: 2, depth: 2, isCausal: isCausal)
    expectAgreement(
      of: { test.attention(query: $0, key: $0, value: $0) }, at: test.query,
      with: { test.naive($0, $0, $0).output }, gradientError: 2e-5)
  }

  static let blocked = [
    Case(queries: 130, keys: 4100, heads: 1, depth: 2), Case(queries: 300, keys: 1000, heads: 2, depth: 3),
    Case(queries: 600, keys: 600, heads: 1, depth: 2, isCausal: true),
  ]

  @Test("value and gradients over several blocks of queries", arguments: blocked)
  func blocks(of test: Case) {
    let blocks = AttentionBlocks(queries: test.queries, keys: test.keys, heads: test.heads, depth: test.depth)
    #expect(blocks.blocksPerHead > 1)
    let (attention, q, k, v) = (test.attention, test.query, test.key, test.value)
    let naive = test.naive(q.doubles, k.doubles, v.doubles)
    let y = attention(query: q, key: k, value: v)
    expectClose(y, Tensor(rounding: naive.output, shape: q.shape), relative: 2e-6)

    let upstream = Tensor.random(q.shape, seed: 44)
    let expected = naive.gradients(upstream.doubles)
    let constants = (q: Variable(q), k: Variable(k), v: Variable(v))
    expectClose(
      vectorJacobianProduct(
        of: { attention(query: $0, key: constants.k, value: constants.v) }, at: q, upstream: upstream),
      Tensor(rounding: expected.query, shape: q.shape), relative: 1e-5, "queries")
    expectClose(
      vectorJacobianProduct(
        of: { attention(query: constants.q, key: $0, value: constants.v) }, at: k, upstream: upstream),
      Tensor(rounding: expected.key, shape: k.shape), relative: 1e-5, "keys")
    expectClose(
      vectorJacobianProduct(
        of: { attention(query: constants.q, key: constants.k, value: $0) }, at: v, upstream: upstream),
      Tensor(rounding: expected.value, shape: v.shape), relative: 1e-5, "values")

    let probabilities = attention.probabilities(query: q, key: k)
    expectClose(
      probabilities, Tensor(rounding: naive.probabilities, shape: probabilities.shape), relative: 2e-6,
      "probabilities")
    expectClose(attention.mix(probabilities, v), y, relative: 2e-6, "mix")
  }

  @Test("probabilities match the definition, and their rows sum to one", arguments: small)
  func probabilities(of test: Case) {
    let p = test.attention.probabilities(query: test.query, key: test.key)
    let naive = test.naive(test.query.doubles, test.key.doubles, test.value.doubles)
    expectClose(
      p, Tensor(rounding: naive.probabilities, shape: [test.heads, test.queries, test.keys]), relative: 2e-6)
    for row in 0..<test.heads * test.queries {
      #expect(abs(p.reshaped([test.heads * test.queries, test.keys])[row].sum - 1) < 1e-6)
    }
  }

  @Test("the weighted sum of values does not require probabilities that sum to one", arguments: small)
  func mix(of test: Case) {
    let p = Tensor.random([test.heads, test.queries, test.keys], seed: 45)
    var naive = test.naive(test.query.doubles, test.key.doubles, test.value.doubles)
    naive.probabilities = p.doubles
    expectClose(
      test.attention.mix(p, test.value), Tensor(rounding: naive.output, shape: test.query.shape),
      relative: 2e-6)
  }

  @Test("large scores do not overflow")
  func largeScores() {
    let attention = Attention(heads: 1, channels: 1)
    let (q, k) = (Tensor([1000], shape: [1, 1]), Tensor([1000, -1000, 999], shape: [3, 1]))
    #expect(attention.probabilities(query: q, key: k).scalars == [1, 0, 0])
  }

  @Test(
    "in the backward pass every query is combined with every key of every head once",
    arguments: [(1, 1, 1), (300, 77, 8), (77, 300, 3), (4096, 4096, 8), (1000, 1000, 1), (640, 640, 40)])
  func pieces(queries: Int, keys: Int, heads: Int) {
    let blocks = AttentionBlocks(queries: queries, keys: keys, heads: heads, depth: 4)
    let pieces = (0..<blocks.pieceCount).map(blocks.piece)
    // Ranges are consecutive, so the product of sizes is the number of pairs.
    for head in 0..<heads {
      let own = pieces.filter { $0.head == head }
      #expect(own.reduce(0) { $0 + $1.queries.count * $1.keys.count } == queries * keys)
      for (ranges, count) in [(own.map(\.queries), queries), (own.map(\.keys), keys)] {
        let ordered = Set(ranges).sorted { $0.lowerBound < $1.lowerBound }
        #expect(ordered.first?.lowerBound == 0 && ordered.last?.upperBound == count)
        #expect(zip(ordered, ordered.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(ordered.allSatisfy { !$0.isEmpty && $0.lowerBound.isMultiple(of: 32) })
      }
    }
  }

  @Test("inputs with a wrong channel count trap")
  func widths() async {
    await #expect(processExitsWith: .failure) {
      _ = Attention(heads: 2, channels: 4).probabilities(
        query: Tensor(zeros: [3, 6]), key: Tensor(zeros: [3, 6]))
    }
    await #expect(processExitsWith: .failure) {
      _ = Attention(heads: 2, channels: 4).mix(Tensor(zeros: [2, 3, 3]), Tensor(zeros: [3, 6]))
    }
  }
}
