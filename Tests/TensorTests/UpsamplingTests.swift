import Tensor
import TestSupport
import Testing

@Suite("Upsampling") struct UpsamplingTests {
  @Test("doubling the size repeats each pixel in a square", arguments: [[1, 1, 3], [2, 3, 1], [3, 2, 5]])
  func twice(shape: [Int]) {
    expectAgreement(
      of: { $0.upsampled(toHeight: 2 * shape[0], width: 2 * shape[1]) }, at: .random(shape),
      with: { resized($0, shape, (0..<2 * shape[0]).map { $0 / 2 }, (0..<2 * shape[1]).map { $0 / 2 }) })
  }

  @Test("any size selects the same pixels as PyTorch", arguments: Primitives.golden.nearest)
  func nearest(axis: Primitives.Nearest) {
    let same = [0, 1]
    expectAgreement(
      of: { $0.upsampled(toHeight: axis.newCount, width: 2) }, at: .random([axis.count, 2, 2]),
      with: { resized($0, [axis.count, 2, 2], axis.source, same) }, "rows")
    expectAgreement(
      of: { $0.upsampled(toHeight: 2, width: axis.newCount) }, at: .random([2, axis.count, 2]),
      with: { resized($0, [2, axis.count, 2], same, axis.source) }, "columns")
  }

  @Test("height and width change by different factors, up and down")
  func bothSides() throws {
    for rows in Primitives.golden.nearest where rows.count <= 10 {
      for columns in Primitives.golden.nearest where columns.count <= 5 {
        let shape = [rows.count, columns.count, 3]
        expectAgreement(
          of: { $0.upsampled(toHeight: rows.newCount, width: columns.newCount) }, at: .random(shape),
          with: { resized($0, shape, rows.source, columns.source) },
          "\(shape) to \(rows.newCount) x \(columns.newCount)")
      }
    }
  }

  @Test("a large map is resized in several pieces")
  func pieces() {
    let x = Tensor.random([40, 50, 9])
    let (height, width) = (90, 70)
    // The nearest pixel below in integer arithmetic, which is exact where the single-precision ratio is.
    let (rows, columns) = ((0..<height).map { $0 * 4 / 9 }, (0..<width).map { $0 * 5 / 7 })
    let y = Variable(x).upsampled(toHeight: height, width: width).value
    #expect(y.scalars == resized(x.doubles, x.shape, rows, columns).map { Float($0) })
    let upstream = Tensor.random(y.shape, seed: 2)
    let scalars = upstream.doubles
    var gradient = [Double](repeating: 0, count: x.count)
    for (i, row) in rows.enumerated() {
      for (j, column) in columns.enumerated() {
        for c in 0..<9 { gradient[(row * 50 + column) * 9 + c] += scalars[(i * width + j) * 9 + c] }
      }
    }
    expectClose(
      vectorJacobianProduct(
        of: { $0.upsampled(toHeight: height, width: width) }, at: x, upstream: upstream),
      Tensor(rounding: gradient, shape: x.shape), relative: 1e-6)
  }
}

private func resized(_ x: [Double], _ shape: [Int], _ rows: [Int], _ columns: [Int]) -> [Double] {
  rows.flatMap { row in
    columns.flatMap { column in
      (0..<shape[2]).map { x[(row * shape[1] + column) * shape[2] + $0] }
    }
  }
}
