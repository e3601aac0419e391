import Foundation
import Tensor
import TestSupport
import Testing

@Suite("Group norm") struct GroupNormTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let shape: [Int]
    let groups: Int
    var testDescription: String { "\(shape), \(groups) groups" }
  }

  static let cases = [
    Case(shape: [3, 5, 6], groups: 3), Case(shape: [2, 2, 8], groups: 1), Case(shape: [7, 4], groups: 2),
    Case(shape: [1, 12], groups: 4), Case(shape: [9, 1], groups: 1), Case(shape: [2, 3, 5], groups: 5),
    Case(shape: [5, 34], groups: 2),
  ]

  @Test("value and gradient, with and without SiLU", arguments: cases)
  func agreement(of test: Case) {
    let channels = test.shape.last ?? 0
    let (scale, shift) = normParameters(channels)
    for thenSiLU in [false, true] {
      let norm = GroupNorm(scale: scale, shift: shift, groups: test.groups, epsilon: 1e-3)
      expectAgreement(
        of: { norm($0, thenSiLU: thenSiLU) }, at: 0.5 + 2 * Tensor.random(test.shape, seed: 5),
        with: { x in
          let y = naiveGroupNorm(x, groups: test.groups, scale.scalars, shift.scalars, epsilon: 1e-3)
          return thenSiLU ? y.map { $0 / (1 + exp(-$0)) } : y
        }, gradientError: 3e-5, "SiLU: \(thenSiLU)")
    }
  }

  @Test("value and gradient over several pieces of rows, with and without SiLU", arguments: [false, true])
  func manyRows(thenSiLU: Bool) {
    // 2200 rows of 40 channels are divided into three pieces of at most 819 rows.
    let (x, upstream) = (Tensor.random([44, 50, 40]), Tensor.random([44, 50, 40], seed: 2))
    let (scale, shift) = normParameters(40)
    let norm = GroupNorm(scale: scale, shift: shift, groups: 8, epsilon: 1e-5)
    let u = naiveGroupNorm(x.doubles, groups: 8, scale.scalars, shift.scalars, epsilon: 1e-5)
    let expected = thenSiLU ? u.map { $0 / (1 + exp(-$0)) } : u
    expectClose(
      norm(Variable(x), thenSiLU: thenSiLU).value, Tensor(rounding: expected, shape: x.shape), relative: 1e-6)

    let atU = zip(u, upstream.doubles).map { u, dy in thenSiLU ? dy * siluSlope(u) : dy }
    let gradient = naiveGroupNormGradient(x.doubles, atU, groups: 8, scale.scalars, epsilon: 1e-5)
    expectClose(
      vectorJacobianProduct(of: { norm($0, thenSiLU: thenSiLU) }, at: x, upstream: upstream),
      Tensor(rounding: gradient, shape: x.shape), relative: 1e-5, "gradient")
  }

  @Test("a mean much larger than the deviation loses no precision")
  func largeMean() {
    // Multiples of 1/64 near 3000 are exact in single precision.
    let x = Tensor(Tensor.random([500, 8]).scalars.map { 3000 + ($0 * 64).rounded() / 64 }, shape: [500, 8])
    let (scale, shift) = normParameters(8)
    let y = GroupNorm(scale: scale, shift: shift, groups: 2, epsilon: 1e-5)(Variable(x)).value
    let expected = naiveGroupNorm(
      x.doubles, groups: 2, scale.scalars, shift.scalars, epsilon: 1e-5)
    expectClose(y, Tensor(rounding: expected, shape: x.shape), relative: 1e-4)
  }

  @Test("the number of channels is the length of the scale")
  func channels() {
    let (scale, shift) = normParameters(6)
    #expect(GroupNorm(scale: scale, shift: shift, groups: 3, epsilon: 1e-5).channels == 6)
  }

  @Test("a constant input gives the shift")
  func constant() {
    let (scale, shift) = normParameters(6)
    let x = Variable(Tensor(repeating: 3, shape: [4, 4, 6]))
    let y = GroupNorm(scale: scale, shift: shift, groups: 3, epsilon: 1e-5)(x).value
    for row in 0..<16 { #expect(Array(y.scalars[row * 6..<row * 6 + 6]) == shift.scalars) }
  }
}

/// The derivative of x / (1 + exp(-x)).
private func siluSlope(_ x: Double) -> Double {
  let s = 1 / (1 + exp(-x))
  return s * (1 + x * (1 - s))
}
