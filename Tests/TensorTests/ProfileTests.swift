import TestSupport
import Testing

@testable import Tensor

@Suite("Profile") struct ProfileTests {
  private let linear = Linear(weight: Tensor(repeating: 0.1, shape: [5, 3]))
  private let convolution = Convolution(
    weight: Tensor(repeating: 0.1, shape: [2, 3, 3, 3]), bias: nil, stride: 2, padding: .all(1))

  private func entry(
    _ kind: Profile.Kind, isBackward: Bool = false, in entries: [Profile.Entry]
  ) throws -> Profile.Entry {
    try #require(entries.first { $0.kind == kind && $0.isBackward == isBackward })
  }

  @Test("counts calls and operations by the direct formula") func operations() throws {
    let (_, entries) = Profile.recording {
      _ = linear(Tensor(zeros: [7, 3]))
      _ = linear(Tensor(zeros: [7, 3]))
      _ = convolution(Variable(Tensor(zeros: [6, 8, 3])))
    }
    let products = try entry(.linear, in: entries)
    #expect(products.calls == 2 && products.rows == 7)
    #expect(products.cost.operations == 2 * (2 * 7 * 3 * 5))
    #expect(products.cost.bytes == 2 * 4 * (7 * 3 + 7 * 5 + 5 * 3))
    let map = try entry(.convolution3x3, in: entries)
    #expect(map.grid == .init(height: 3, width: 4) && map.rows == 12)
    #expect(map.cost.operations == 2 * 12 * 2 * 27)
    #expect(entries.allSatisfy { !$0.isBackward })
  }

  @Test("measures gradients where they are computed, and none if nothing is tracked") func gradients()
    throws
  {
    let (_, entries) = Profile.recording {
      valueAndGradient(at: Tensor(repeating: 1, shape: [4, 3])) { x in
        let constant = linear(Variable(Tensor(zeros: [9, 3])))
        let y = Attention(heads: 1, channels: 5)(query: constant, key: linear(x), value: linear(x))
        return y.meanSquaredError(to: Tensor(zeros: [9, 5]))
      }
    }
    let back = try entry(.linear, isBackward: true, in: entries)
    #expect(back.calls == 2 && back.rows == 4)
    #expect(back.cost.operations == 2 * (2 * 4 * 3 * 5))
    #expect(entries.contains { $0.kind == .linear && !$0.isBackward && $0.rows == 9 && $0.calls == 1 })
    // The scores again, and products for keys, values and scores.
    let forward = try entry(.crossAttention, in: entries)
    #expect(forward.cost.operations == 2 * (2 * 9 * 4 * 5))
    let attention = try entry(.crossAttention, isBackward: true, in: entries)
    #expect(attention.cost.operations == 4 * (2 * 9 * 4 * 5))
  }

  @Test("token counts that equal a map's pixel count get its size") func grids() throws {
    let (_, entries) = Profile.recording {
      _ = convolution(Variable(Tensor(zeros: [6, 8, 3])))
      _ = linear(Tensor(zeros: [12, 3]))
      _ = linear(Tensor(zeros: [13, 3]))
    }
    let grids = entries.filter { $0.kind == .linear }.map { ($0.rows, $0.grid) }
    #expect(grids.contains { $0.0 == 12 && $0.1 == .init(height: 3, width: 4) })
    #expect(grids.contains { $0.0 == 13 && $0.1 == nil })
  }

  @Test("the parts take no longer than the whole, and results are unchanged") func time() {
    let x = Tensor(repeating: 0.3, shape: [6, 8, 3])
    let start = ContinuousClock.now
    let (result, entries) = Profile.recording { convolution(Variable(x)).value }
    let whole = (ContinuousClock.now - start) / .seconds(1)
    #expect(entries.reduce(0) { $0 + $1.seconds } <= whole)
    #expect(result == convolution(Variable(x)).value)
  }

  @Test("nothing is recorded outside, and recordings are separate") func separation() {
    let (inner, outer) = Profile.recording { () -> [Profile.Entry] in
      _ = linear(Tensor(zeros: [1, 3]))
      return Profile.recording { _ = linear(Tensor(zeros: [2, 3])) }.entries
    }
    _ = linear(Tensor(zeros: [3, 3]))
    #expect(inner.map(\.rows) == [2])
    #expect(outer.map(\.rows) == [1])
  }

  @Test("matrix products have a positive rate") func rate() {
    #expect(BLAS.productRate(side: 64, runs: 1) > 0)
    #expect(Linear.productRate(rows: 64, channels: 32, runs: 1) > 0)
  }
}
