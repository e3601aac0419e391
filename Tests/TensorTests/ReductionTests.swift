import Tensor
import TestSupport
import Testing

@Suite("Reductions") struct ReductionTests {
  @Test(
    "sum, mean, norm, dot product and distance, over one and several pieces",
    arguments: [1, 67, 40_000, 70_001])
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

  @Test("a small difference of large numbers keeps its precision")
  func smallDifference() {
    let x = Tensor(repeating: 1000, shape: [50_000])
    let y = Tensor(repeating: 1000.0625, shape: [50_000])
    #expect(x.meanSquaredDifference(to: y) == 0.003_906_25)
    #expect((x + y).sum == 50_000 * 2000.0625)
  }

  @Test("NaN at any position makes every reduction NaN", arguments: [0, 17, 40_000])
  func notANumber(place: Int) {
    var x = Tensor.random([40_001])
    let y = Tensor.random([40_001], seed: 2)
    x.withMutableScalars { $0[place] = .nan }
    #expect(x.sum.isNaN && x.mean.isNaN && x.norm.isNaN)
    #expect(x.dot(y).isNaN && y.dot(x).isNaN)
    #expect(x.meanSquaredDifference(to: y).isNaN && y.meanSquaredDifference(to: x).isNaN)
    #expect(x.maximum.isNaN && x.minimum.isNaN)
  }

  @Test("a NaN or infinity at any position makes a tensor not finite", arguments: [0, 17, 40_000])
  func finite(place: Int) {
    var x = Tensor.random([40_001])
    #expect(x.isFinite && Tensor(zeros: [0, 3]).isFinite)
    for number in [Float.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0] {
      x.withMutableScalars { $0[place] = number }
      #expect(x.isFinite)
    }
    for number in [Float.nan, -.nan, .signalingNaN, .infinity, -.infinity] {
      x.withMutableScalars { $0[place] = number }
      #expect(!x.isFinite)
    }
  }

  @Test("infinities are the largest and the smallest number")
  func infinities() {
    let x = Tensor([1, -.infinity, 3, .infinity, -2], shape: [5])
    #expect(x.maximum == .infinity && x.minimum == -.infinity && x.sum.isNaN && x.norm == .infinity)
  }

  @Test("an empty tensor has the sum zero and the mean NaN")
  func empty() {
    let x = Tensor(zeros: [0, 3])
    #expect(x.sum == 0 && x.norm == 0 && x.dot(x) == 0 && x.mean.isNaN)
  }

  @Test(
    "dot product of a variable with a tensor, and its gradient",
    arguments: [[1], [67], [3, 4, 5], []])
  func dot(shape: [Int]) {
    let other = Tensor.random(shape, seed: 2)
    expectAgreement(
      of: { $0.dot(other) }, at: .random(shape, seed: 1),
      with: { [zip($0, other.doubles).reduce(0) { $0 + $1.0 * $1.1 }] })
  }

  @Test("mean squared error and its gradient", arguments: [[1], [67], [3, 4, 5]])
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
