import Foundation
import Tensor
import TestSupport
import Testing

@Suite("Softmax") struct SoftmaxTests {
  @Test("value and gradient along the last axis", arguments: [[1, 1], [3, 5], [2, 2, 7], [2, 67], [9]])
  func agreement(shape: [Int]) {
    let columns = shape.last ?? 0
    expectAgreement(
      of: { $0.softmax() }, at: 2 * Tensor.random(shape),
      with: { x in
        stride(from: 0, to: x.count, by: columns).flatMap { start in
          let e = x[start..<start + columns].map { exp($0) }
          return e.map { $0 / e.reduce(0, +) }
        }
      }, gradientError: 2e-5)
  }

  @Test("many rows are processed in several pieces")
  func pieces() {
    let (x, upstream) = (Tensor.random([1000, 70]), Tensor.random([1000, 70], seed: 2))
    let y = Variable(x).softmax().value
    let gradient = vectorJacobianProduct(of: { $0.softmax() }, at: x, upstream: upstream)
    for row in stride(from: 0, to: 1000, by: 37) {
      let (e, dy) = (x[row].doubles.map { exp($0) }, upstream[row].doubles)
      let sum = e.reduce(0, +)
      let p = e.map { $0 / sum }
      let mean = zip(p, dy).reduce(0) { $0 + $1.0 * $1.1 }
      expectClose(y[row], Tensor(rounding: p, shape: [70]), relative: 1e-6)
      expectClose(
        gradient[row], Tensor(rounding: zip(p, dy).map { $0 * ($1 - mean) }, shape: [70]), relative: 1e-5)
    }
  }

  @Test("large numbers do not overflow")
  func large() {
    let p = Tensor([1000, 1000, -1000, 3e38], shape: [2, 2]).softmax()
    #expect(p.scalars == [0.5, 0.5, 0, 1])
  }
}
