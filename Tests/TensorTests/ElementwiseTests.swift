import TestSupport
import Testing

@testable import Tensor

@Suite("Elementwise operations") struct ElementwiseTests {
  static let shapes = [[1], [7], [3, 5], [2, 3, 11], [67], []]

  @Test("sums, differences, products and combinations match their definitions", arguments: shapes)
  func arithmetic(shape: [Int]) {
    let (x, y) = (Tensor.random(shape, seed: 1), Tensor.random(shape, seed: 2))
    func expected(_ f: (Float, Float) -> Float) -> Tensor {
      Tensor(zip(x.scalars, y.scalars).map(f), shape: shape)
    }
    #expect(x + y == expected { $0 + $1 })
    #expect(x - y == expected { $0 - $1 })
    #expect(x * y == expected { $0 * $1 })
    #expect(0.3 * x == expected { x, _ in 0.3 * x })
    #expect(x * 0.3 == 0.3 * x)
    expectClose(.combination(0.5, x, -3, y), expected { 0.5 * $0 - 3 * $1 }, relative: 1e-6)
    var sum = x
    sum += y
    #expect(sum == x + y)
  }

  @Test("long tensors are processed in several pieces")
  func pieces() {
    let count = 2 * Parallel.pieceLength + 5
    let (x, y) = (Tensor.random([count], seed: 1), Tensor.random([count], seed: 2))
    let (a, b) = (x.scalars, y.scalars)
    #expect((x + y).scalars == zip(a, b).map { $0 + $1 })
    #expect((x - y).scalars == zip(a, b).map { $0 - $1 })
    #expect((x * y).scalars == zip(a, b).map { $0 * $1 })
    #expect((x * 0.3).scalars == a.map { 0.3 * $0 })
    var sum = x
    sum += y
    #expect(sum == x + y)
  }

  @Test("a tensor added to itself is doubled")
  func aliases() {
    var x = Tensor.random([40])
    let expected = 2 * x
    #expect(x + x == expected && x - x == Tensor(zeros: [40]))
    x += x
    #expect(x == expected)
  }

  @Test("in-place addition does not change a copy")
  func copyOnWrite() {
    let x = Tensor.random([40])
    var sum = x
    sum += x
    #expect(x == Tensor.random([40]))
    #expect(sum == 2 * x)
  }

  @Test("gradient of each operation with respect to either operand", arguments: shapes)
  func gradients(shape: [Int]) {
    let x = Tensor.random(shape, seed: 3)
    let other = Tensor.random(shape, seed: 4)
    let y = Variable(other)
    func naive(_ f: @escaping (Double, Double) -> Double) -> ([Double]) -> [Double] {
      { x in zip(x, other.scalars).map { f($0, Double($1)) } }
    }
    expectAgreement(of: { $0 + y }, at: x, with: naive { $0 + $1 }, "x + y at x")
    expectAgreement(of: { y + $0 }, at: x, with: naive { $0 + $1 }, "y + x at x")
    expectAgreement(of: { $0 - y }, at: x, with: naive { $0 - $1 }, "x - y at x")
    expectAgreement(of: { y - $0 }, at: x, with: naive { $1 - $0 }, "y - x at x")
    expectAgreement(of: { $0 * y }, at: x, with: naive { $0 * $1 }, "x y at x")
    expectAgreement(of: { y * $0 }, at: x, with: naive { $0 * $1 }, "y x at x")
    expectAgreement(of: { $0 * $0 }, at: x, with: naive { x, _ in x * x }, "x x")
    expectAgreement(of: { -1.5 * $0 }, at: x, with: naive { x, _ in -1.5 * x }, "a x")
    expectAgreement(
      of: { .combination(2, $0, -0.5, y) }, at: x, with: naive { 2 * $0 - 0.5 * $1 }, "a x + b y at x")
    expectAgreement(
      of: { .combination(2, y, -0.5, $0) }, at: x, with: naive { 2 * $1 - 0.5 * $0 }, "a y + b x at x")
    expectAgreement(of: { .combination(2, $0, 3, $0) }, at: x, with: naive { x, _ in 5 * x }, "a x + b x")
  }
}
