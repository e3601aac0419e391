import Tensor
import TestSupport
import Testing

@Suite("Tensors as values") struct TensorValueTests {
  @Test("writing to a copy does not change the original, and vice versa")
  func copies() {
    let original = Tensor.random([40])
    var (first, second) = (original, original)
    first.withMutableScalars { $0[3] = 7 }
    second.withMutableScalars { $0[3] = 8 }
    #expect(original == Tensor.random([40]))
    #expect(first.scalars[3] == 7 && second.scalars[3] == 8)
    #expect(Array(first.scalars.dropFirst(4)) == Array(original.scalars.dropFirst(4)))
  }

  @Test("a copy shares memory until either is written to")
  func sharing() {
    let original = Tensor.random([40])
    var copy = original
    #expect(address(copy) == address(original))
    copy.withMutableScalars { $0[0] = 1 }
    #expect(address(copy) != address(original))
  }

  @Test("a tensor with unshared storage is modified in place")
  func inPlace() {
    var x = Tensor.random([40])
    let before = address(x)
    x.withMutableScalars { $0[0] = 1 }
    x += Tensor.random([40], seed: 2)
    #expect(address(x) == before)
  }

  @Test("a reshaped tensor shares memory until either is written to")
  func reshaping() {
    let original = Tensor.random([6, 4])
    var reshaped = original.reshaped([3, 8])
    #expect(address(reshaped) == address(original))
    reshaped.withMutableScalars { $0[0] = 100 }
    #expect(original == Tensor.random([6, 4]) && reshaped.scalars[0] == 100)
  }

  @Test("tensors are equal if shape and numbers are; NaN is unequal unless the memory is shared")
  func equality() {
    let x = Tensor([1, 2, 3, 4], shape: [2, 2])
    #expect(x == Tensor([1, 2, 3, 4], shape: [2, 2]))
    #expect(x != Tensor([1, 2, 3, 4], shape: [4]) && x != Tensor([1, 2, 3, 5], shape: [2, 2]))
    #expect(Tensor([.nan], shape: [1]) != Tensor([.nan], shape: [1]))
    #expect(Tensor([0], shape: [1]) == Tensor([-0.0], shape: [1]))
  }

  private func address(_ x: Tensor) -> UnsafePointer<Float>? { x.withScalars(\.baseAddress) }
}
