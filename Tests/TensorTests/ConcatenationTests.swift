import Tensor
import TestSupport
import Testing

@Suite("Concatenation") struct ConcatenationTests {
  @Test(
    "rows are concatenated, and gradients are split",
    arguments: [([2, 3, 1], 4), ([5], 2), ([3, 7], 1), ([1, 1, 16], 33)])
  func agreement(shape: [Int], otherLength: Int) {
    let length = shape.last ?? 0
    let other = Tensor.random(shape.dropLast() + [otherLength], seed: 9)
    func joined(_ x: [Double], thisFirst: Bool) -> [Double] {
      (0..<x.count / length).flatMap { row in
        let (a, b) = (
          Array(x[row * length..<(row + 1) * length]),
          other.scalars[row * otherLength..<(row + 1) * otherLength].map(Double.init)
        )
        return thisFirst ? a + b : b + a
      }
    }
    let x = Tensor.random(shape)
    expectAgreement(
      of: { $0.concatenated(with: Variable(other)) }, at: x, with: { joined($0, thisFirst: true) })
    expectAgreement(
      of: { Variable(other).concatenated(with: $0) }, at: x, with: { joined($0, thisFirst: false) })
  }

  @Test("many rows are concatenated in several pieces")
  func manyRows() {
    let (a, b) = (Tensor.random([700, 60]), Tensor.random([700, 33], seed: 2))
    let joined = a.concatenated(with: b)
    for row in 0..<700 { #expect(joined[row].scalars == a[row].scalars + b[row].scalars) }
    #expect(joined.columns(0..<60) == a && joined.columns(60..<93) == b)
  }

  @Test("a range of columns of each row is returned", arguments: [0..<1, 0..<7, 2..<5, 6..<7, 3..<3])
  func columns(range: Range<Int>) {
    let x = Tensor.random([2, 3, 7])
    let cut = x.columns(range)
    #expect(cut.shape == [2, 3, range.count])
    #expect(
      cut.scalars == (0..<6).flatMap { row in range.map { x.scalars[7 * row + $0] } })
  }

  @Test("a variable concatenated with itself sums both gradients")
  func twice() {
    let weights = Tensor.random([2, 6])
    let gradient = valueAndGradient(at: .random([2, 3])) { $0.concatenated(with: $0).dot(weights) }.gradient
    expectClose(gradient, weights.columns(0..<3) + weights.columns(3..<6), relative: 1e-7)
  }
}
