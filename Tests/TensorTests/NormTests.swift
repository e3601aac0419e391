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
    let (scale, shift) = parameters(channels)
    for thenSiLU in [false, true] {
      let norm = GroupNorm(scale: scale, shift: shift, groups: test.groups, epsilon: 1e-3)
      expectAgreement(
        of: { norm($0, thenSiLU: thenSiLU) }, at: 0.5 + 2 * Tensor.random(test.shape, seed: 5),
        with: { x in
          let y = groupNorm(x, groups: test.groups, scale.scalars, shift.scalars, epsilon: 1e-3)
          return thenSiLU ? y.map { $0 / (1 + exp(-$0)) } : y
        }, gradientError: 3e-5, "SiLU: \(thenSiLU)")
    }
  }

  @Test("value and gradient over several pieces of rows, with and without SiLU", arguments: [false, true])
  func manyRows(thenSiLU: Bool) {
    // 2200 rows of 40 channels are three pieces of 819 rows at most.
    let (x, upstream) = (Tensor.random([44, 50, 40]), Tensor.random([44, 50, 40], seed: 2))
    let (scale, shift) = parameters(40)
    let norm = GroupNorm(scale: scale, shift: shift, groups: 8, epsilon: 1e-5)
    let u = groupNorm(x.doubles, groups: 8, scale.scalars, shift.scalars, epsilon: 1e-5)
    let expected = thenSiLU ? u.map { $0 / (1 + exp(-$0)) } : u
    expectClose(
      norm(Variable(x), thenSiLU: thenSiLU).value, Tensor(rounding: expected, shape: x.shape), relative: 1e-6)

    let atU = zip(u, upstream.doubles).map { u, dy in thenSiLU ? dy * siluSlope(u) : dy }
    let gradient = groupNormGradient(x.doubles, atU, groups: 8, scale.scalars, epsilon: 1e-5)
    expectClose(
      vectorJacobianProduct(of: { norm($0, thenSiLU: thenSiLU) }, at: x, upstream: upstream),
      Tensor(rounding: gradient, shape: x.shape), relative: 1e-5, "gradient")
  }

  @Test("a mean far larger than the deviation costs no digits but those of the input")
  func largeMean() {
    // Multiples of 1/64 near 3000 are exact in single precision.
    let x = Tensor(Tensor.random([500, 8]).scalars.map { 3000 + ($0 * 64).rounded() / 64 }, shape: [500, 8])
    let (scale, shift) = parameters(8)
    let y = GroupNorm(scale: scale, shift: shift, groups: 2, epsilon: 1e-5)(Variable(x)).value
    let expected = groupNorm(
      x.doubles, groups: 2, scale.scalars, shift.scalars, epsilon: 1e-5)
    expectClose(y, Tensor(rounding: expected, shape: x.shape), relative: 1e-4)
  }

  @Test("a norm knows its channels")
  func channels() {
    let (scale, shift) = parameters(6)
    #expect(GroupNorm(scale: scale, shift: shift, groups: 3, epsilon: 1e-5).channels == 6)
    #expect(LayerNorm(scale: scale, shift: shift).channels == 6)
  }

  @Test("a constant input gives the shift")
  func constant() {
    let (scale, shift) = parameters(6)
    let x = Variable(Tensor(repeating: 3, shape: [4, 4, 6]))
    let y = GroupNorm(scale: scale, shift: shift, groups: 3, epsilon: 1e-5)(x).value
    for row in 0..<16 { #expect(Array(y.scalars[row * 6..<row * 6 + 6]) == shift.scalars) }
  }
}

@Suite("Layer norm") struct LayerNormTests {
  @Test("value and gradient over several pieces of rows")
  func manyRows() {
    let (x, upstream) = (Tensor.random([1100, 33]), Tensor.random([1100, 33], seed: 2))
    let (scale, shift) = parameters(33)
    let norm = LayerNorm(scale: scale, shift: shift)
    let rows = (0..<1100).map { row in
      (
        value: groupNorm(x[row].doubles, groups: 1, scale.scalars, shift.scalars, epsilon: 1e-5),
        gradient: groupNormGradient(
          x[row].doubles, upstream[row].doubles, groups: 1, scale.scalars, epsilon: 1e-5)
      )
    }
    expectClose(
      norm(Variable(x)).value, Tensor(rounding: rows.flatMap(\.value), shape: x.shape), relative: 1e-6)
    expectClose(
      vectorJacobianProduct(of: { norm($0) }, at: x, upstream: upstream),
      Tensor(rounding: rows.flatMap(\.gradient), shape: x.shape), relative: 1e-5, "gradient")
  }

  @Test("a constant row gives the shift")
  func constant() {
    let (scale, shift) = parameters(6)
    let y = LayerNorm(scale: scale, shift: shift)(Variable(Tensor(repeating: 3, shape: [4, 6]))).value
    for row in 0..<4 { #expect(y[row] == shift) }
  }

  @Test("value and gradient", arguments: [[1, 3], [4, 7], [3, 64], [2, 67], [2, 3, 5], [12]])
  func agreement(shape: [Int]) {
    let columns = shape.last ?? 0
    let (scale, shift) = parameters(columns)
    expectAgreement(
      of: { LayerNorm(scale: scale, shift: shift, epsilon: 1e-3)($0) },
      at: 0.5 + 2 * Tensor.random(shape, seed: 6),
      with: { x in
        stride(from: 0, to: x.count, by: columns).flatMap { start in
          groupNorm(
            Array(x[start..<start + columns]), groups: 1, scale.scalars, shift.scalars, epsilon: 1e-3)
        }
      }, gradientError: 3e-5)
  }

  @Test("a large mean costs no digits but those of the input")
  func largeMean() {
    let x = Tensor(Tensor.random([2, 64]).scalars.map { 3000 + ($0 * 64).rounded() / 64 }, shape: [2, 64])
    let (scale, shift) = parameters(64)
    let y = LayerNorm(scale: scale, shift: shift, epsilon: 1e-5)(Variable(x)).value
    for row in 0..<2 {
      let expected = groupNorm(
        x[row].doubles, groups: 1, scale.scalars, shift.scalars, epsilon: 1e-5)
      expectClose(y[row], Tensor(rounding: expected, shape: [64]), relative: 3e-4)
    }
  }
}

private func parameters(_ count: Int) -> (scale: Tensor, shift: Tensor) {
  (1 + 0.3 * Tensor.random([count], seed: 11), Tensor.random([count], seed: 12))
}

private func + (offset: Float, x: Tensor) -> Tensor { Tensor(repeating: offset, shape: x.shape) + x }

/// The definition, for rows of as many channels as there are scales.
private func groupNorm(
  _ x: [Double], groups: Int, _ scale: [Float], _ shift: [Float], epsilon: Double
) -> [Double] {
  let channels = scale.count
  let width = channels / groups
  var y = x
  for group in 0..<groups {
    let members = x.indices.filter { $0 % channels / width == group }
    let mean = members.reduce(0) { $0 + x[$1] } / Double(members.count)
    let variance = members.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(members.count)
    for i in members {
      let channel = i % channels
      y[i] =
        (x[i] - mean) / (variance + epsilon).squareRoot() * Double(scale[channel]) + Double(shift[channel])
    }
  }
  return y
}

/// The gradient of `groupNorm` at x by its derivation on paper, for the gradient `dy` at its result.
private func groupNormGradient(
  _ x: [Double], _ dy: [Double], groups: Int, _ scale: [Float], epsilon: Double
) -> [Double] {
  let channels = scale.count
  let width = channels / groups
  var dx = x
  for group in 0..<groups {
    let members = x.indices.filter { $0 % channels / width == group }
    let n = Double(members.count)
    let mean = members.reduce(0) { $0 + x[$1] } / n
    let variance = members.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / n
    let deviation = (variance + epsilon).squareRoot()
    let d = members.map { dy[$0] * Double(scale[$0 % channels]) }
    let standard = members.map { (x[$0] - mean) / deviation }
    let meanOfD = d.reduce(0, +) / n
    let meanOfProducts = zip(d, standard).reduce(0) { $0 + $1.0 * $1.1 } / n
    for (k, i) in members.enumerated() { dx[i] = (d[k] - meanOfD - standard[k] * meanOfProducts) / deviation }
  }
  return dx
}

/// The derivative of x / (1 + exp(-x)).
private func siluSlope(_ x: Double) -> Double {
  let s = 1 / (1 + exp(-x))
  return s * (1 + x * (1 - s))
}
