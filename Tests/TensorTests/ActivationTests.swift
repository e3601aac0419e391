import Foundation
import Tensor
import TestSupport
import Testing

@Suite("Activations") struct ActivationTests {
  @Test("value and gradient of each activation", arguments: [[1], [5], [3, 7], [2, 3, 16], [67]])
  func smooth(shape: [Int]) {
    let x = 2 * Tensor.random(shape)
    func silu(_ x: Double, slope: Double = 1) -> Double { x / (1 + exp(-slope * x)) }
    expectAgreement(of: { $0.silu() }, at: x, with: { $0.map { silu($0) } }, "SiLU")
    expectAgreement(of: { $0.gelu() }, at: x, with: { $0.map(gelu) }, "GELU")
    expectAgreement(of: { $0.quickGELU() }, at: x, with: { $0.map { silu($0, slope: 1.702) } }, "quick GELU")
  }

  @Test(
    "GEGLU multiplies the first half of a row by the GELU of the second",
    arguments: [[1, 2], [3, 2], [1, 34], [5, 14], [2, 2, 6], [8]])
  func geglu(shape: [Int]) {
    let width = (shape.last ?? 0) / 2
    expectAgreement(
      of: { $0.geglu() }, at: 2 * Tensor.random(shape),
      with: { x in
        (0..<x.count / 2).map { i in
          let (row, column) = i.quotientAndRemainder(dividingBy: width)
          return x[row * 2 * width + column] * gelu(x[row * 2 * width + width + column])
        }
      })
    #expect(Variable(.random(shape)).geglu().shape == shape.dropLast() + [width])
  }
}

/// x Φ(x), computed with the error function of the C library.
private func gelu(_ x: Double) -> Double { x * erfc(-x / 2.0.squareRoot()) / 2 }
