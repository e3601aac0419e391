import TestSupport
import Testing

@testable import Tensor

@Suite("Matrix product") struct MatrixProductTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let rows: Int
    let depth: Int
    let columns: Int
    var testDescription: String { "\(rows)x\(depth) times \(depth)x\(columns)" }
  }

  static let cases = [
    Case(rows: 1, depth: 1, columns: 1), Case(rows: 1, depth: 9, columns: 5),
    Case(rows: 7, depth: 1, columns: 3), Case(rows: 5, depth: 11, columns: 1),
    Case(rows: 17, depth: 33, columns: 15),
    // Several tiles, along the rows and along the columns.
    Case(rows: 150, depth: 130, columns: 131), Case(rows: 20, depth: 400, columns: 300),
  ]

  @Test("agrees with a plain loop for each transposition", arguments: cases)
  func agreement(of test: Case) {
    let (rows, depth, columns) = (test.rows, test.depth, test.columns)
    let (a, b) = (Tensor.random([rows, depth], seed: 1), Tensor.random([depth, columns], seed: 2))
    let expected = Tensor(
      rounding: naiveProduct(a.doubles, b.doubles, rows: rows, depth: depth, columns: columns),
      shape: [rows, columns])
    // Transposed by an independent loop.
    let at = Tensor(rounding: naiveTranspose(a.doubles, rows: rows, columns: depth), shape: [depth, rows])
    let bt = Tensor(
      rounding: naiveTranspose(b.doubles, rows: depth, columns: columns), shape: [columns, depth])
    expectClose(.product(a, b), expected, relative: 1e-6, "A B")
    expectClose(.product(at, b, transposingFirst: true), expected, relative: 1e-6, "Aᵀ B")
    expectClose(.product(a, bt, transposingSecond: true), expected, relative: 1e-6, "A Bᵀ")
    expectClose(
      .product(at, bt, transposingFirst: true, transposingSecond: true), expected, relative: 1e-6, "Aᵀ Bᵀ")
  }

  @Test("a depth of zero gives zeros")
  func noDepth() {
    #expect(Tensor.product(Tensor(zeros: [3, 0]), Tensor(zeros: [0, 2])) == Tensor(zeros: [3, 2]))
  }

  @Test("this machine's BLAS passes the soundness check")
  func soundness() { #expect(BLAS.isSound) }
}
