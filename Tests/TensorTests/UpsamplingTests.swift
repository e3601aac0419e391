import Tensor
import TestSupport
import Testing

@Suite("Upsampling") struct UpsamplingTests {
  @Test("twice the size repeats each pixel in a square", arguments: [[1, 1, 3], [2, 3, 1], [3, 2, 5]])
  func twice(shape: [Int]) {
    expectAgreement(
      of: { $0.upsampled(toHeight: 2 * shape[0], width: 2 * shape[1]) }, at: .random(shape),
      with: { resized($0, shape, (0..<2 * shape[0]).map { $0 / 2 }, (0..<2 * shape[1]).map { $0 / 2 }) })
  }

  @Test("any size takes the pixels that PyTorch takes", arguments: Primitives.golden.nearest)
  func nearest(axis: Primitives.Nearest) {
    let same = [0, 1]
    expectAgreement(
      of: { $0.upsampled(toHeight: axis.newCount, width: 2) }, at: .random([axis.count, 2, 2]),
      with: { resized($0, [axis.count, 2, 2], axis.source, same) }, "rows")
    expectAgreement(
      of: { $0.upsampled(toHeight: 2, width: axis.newCount) }, at: .random([2, axis.count, 2]),
      with: { resized($0, [2, axis.count, 2], same, axis.source) }, "columns")
  }
}

private func resized(_ x: [Double], _ shape: [Int], _ rows: [Int], _ columns: [Int]) -> [Double] {
  rows.flatMap { row in
    columns.flatMap { column in
      (0..<shape[2]).map { x[(row * shape[1] + column) * shape[2] + $0] }
    }
  }
}
