import Tensor
import TestSupport
import Testing

@Suite("Comparing tensors")
struct ExpectCloseTests {
  let base = Tensor((0..<24).map { Float($0) }, shape: [2, 3, 4])

  func changed(at index: Int, to scalar: Float) -> Tensor {
    var copy = base
    copy.withMutableScalars { $0[index] = scalar }
    return copy
  }

  @Test("the relative error is the norm of the difference divided by the norm of the expected tensor")
  func norm() {
    let expected = Tensor([3, 4], shape: [2])
    #expect(relativeError(Tensor([3, 4], shape: [2]), expected) == 0)
    #expect(abs(relativeError(Tensor([3, 4.5], shape: [2]), expected) - 0.1) < 1e-12)
    #expect(relativeError(Tensor([3, 4], shape: [2]), Tensor(zeros: [2])) == 5)
  }

  @Test("a number that is not finite is never close", arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(_ scalar: Float) {
    #expect(relativeError(changed(at: 5, to: scalar), base) == .infinity)
    withKnownIssue { expectClose(changed(at: 5, to: scalar), base, relative: 1e6) }
  }

  @Test("equal tensors pass; other shapes and other numbers fail")
  func verdicts() {
    expectClose(base, base, relative: 0)
    withKnownIssue { expectClose(base.reshaped([4, 6]), base) }
    withKnownIssue { expectClose(changed(at: 23, to: 23.1), base) }
    expectClose(changed(at: 23, to: 23.1), base, relative: 2e-3)
  }

  @Test("a failure names the element with the largest difference and shows its neighbors")
  func message() throws {
    let text = try #require(difference(changed(at: 17, to: -1), base, relative: 1e-4))
    #expect(text.contains("farthest at [1, 1, 1]: -1.0 instead of 17.0"))
    #expect(text.contains("24 elements, 1 beyond"))
    #expect(text.contains(">"))
    #expect(text.split(separator: "\n").count == 7)
  }
}
