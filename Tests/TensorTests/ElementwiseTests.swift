import Tensor
import TestSupport
import Testing

@Suite("Elementwise operations") struct ElementwiseTests {
  static let shapes = [[1], [7], [3, 5], [2, 3, 11], [67], []]

  @Test("sums, differences, products and combinations are what they say", arguments: shapes)
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

  @Test("adding in place leaves a copy alone")
  func copyOnWrite() {
    let x = Tensor.random([40])
    var sum = x
    sum += x
    #expect(x == Tensor.random([40]))
    #expect(sum == 2 * x)
  }

  @Test("each operation's gradient at either side", arguments: shapes)
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

@Suite("Reductions") struct ReductionTests {
  @Test(
    "sum, mean, norm, product and distance, over one and several pieces", arguments: [1, 67, 40_000, 70_001])
  func sums(count: Int) {
    let (x, y) = (Tensor.random([count], seed: 1), Tensor.random([count], seed: 2))
    let pairs = zip(x.scalars, y.scalars).map { (Double($0), Double($1)) }
    let n = Double(count)
    #expect(
      x.sum == Float(pairs.reduce(0) { $0 + $1.0 })
        || abs(Double(x.sum) - pairs.reduce(0) { $0 + $1.0 }) < 1e-5)
    #expect(abs(Double(x.mean) - pairs.reduce(0) { $0 + $1.0 } / n) < 1e-7)
    #expect(abs(Double(x.norm) - pairs.reduce(0) { $0 + $1.0 * $1.0 }.squareRoot()) < 1e-7 * n.squareRoot())
    #expect(abs(Double(x.dot(y)) - pairs.reduce(0) { $0 + $1.0 * $1.1 }) < 1e-7 * n)
    let distance = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / n
    #expect(abs(Double(x.meanSquaredDifference(to: y)) - distance) < 1e-7 * distance)
    #expect(x.maximum == x.scalars.max() && x.minimum == x.scalars.min())
  }

  @Test("a small difference of large numbers keeps its digits")
  func smallDifference() {
    let x = Tensor(repeating: 1000, shape: [50_000])
    let y = Tensor(repeating: 1000.0625, shape: [50_000])
    #expect(x.meanSquaredDifference(to: y) == 0.003_906_25)
    #expect((x + y).sum == 50_000 * 2000.0625)
  }

  @Test("the mean squared error and its gradient", arguments: [[1], [67], [3, 4, 5]])
  func meanSquaredError(shape: [Int]) {
    let target = Tensor.random(shape, seed: 2)
    expectAgreement(
      of: { $0.meanSquaredError(to: target) }, at: .random(shape, seed: 1),
      with: { x in
        [
          zip(x, target.scalars).reduce(0) { $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) }
            / Double(x.count)
        ]
      })
    #expect(Variable(target).meanSquaredError(to: target).shape == [])
  }
}
