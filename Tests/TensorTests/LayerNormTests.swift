import Tensor
import TestSupport
import Testing

@Suite("Layer norm") struct LayerNormTests {
  @Test("value and gradient over several pieces of rows")
  func manyRows() {
    let (x, upstream) = (Tensor.random([1100, 33]), Tensor.random([1100, 33], seed: 2))
    let (scale, shift) = normParameters(33)
    let norm = LayerNorm(scale: scale, shift: shift)
    let rows = (0..<1100).map { row in
      (
        value: naiveGroupNorm(x[row].doubles, groups: 1, scale.scalars, shift.scalars, epsilon: 1e-5),
        gradient: naiveGroupNormGradient(
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
    let (scale, shift) = normParameters(6)
    let norm = LayerNorm(scale: scale, shift: shift)
    #expect(norm.channels == 6)
    let y = norm(Variable(Tensor(repeating: 3, shape: [4, 6]))).value
    for row in 0..<4 { #expect(y[row] == shift) }
  }

  @Test("value and gradient", arguments: [[1, 3], [4, 7], [3, 64], [2, 67], [2, 3, 5], [12]])
  func agreement(shape: [Int]) {
    let columns = shape.last ?? 0
    let (scale, shift) = normParameters(columns)
    expectAgreement(
      of: { LayerNorm(scale: scale, shift: shift, epsilon: 1e-3)($0) },
      at: 0.5 + 2 * Tensor.random(shape, seed: 6),
      with: { x in
        stride(from: 0, to: x.count, by: columns).flatMap { start in
          naiveGroupNorm(
            Array(x[start..<start + columns]), groups: 1, scale.scalars, shift.scalars, epsilon: 1e-3)
        }
      }, gradientError: 3e-5)
  }

  @Test("a large mean loses no precision")
  func largeMean() {
    let x = Tensor(Tensor.random([2, 64]).scalars.map { 3000 + ($0 * 64).rounded() / 64 }, shape: [2, 64])
    let (scale, shift) = normParameters(64)
    let y = LayerNorm(scale: scale, shift: shift, epsilon: 1e-5)(Variable(x)).value
    for row in 0..<2 {
      let expected = naiveGroupNorm(
        x[row].doubles, groups: 1, scale.scalars, shift.scalars, epsilon: 1e-5)
      expectClose(y[row], Tensor(rounding: expected, shape: [64]), relative: 3e-4)
    }
  }
}
