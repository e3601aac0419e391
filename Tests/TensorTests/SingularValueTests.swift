import Tensor
import TestSupport
import Testing

@Suite("Singular value decomposition") struct SingularValueTests {
  @Test(
    "the factors are orthogonal, the values sorted, and the product is the matrix",
    arguments: [[1, 1], [1, 5], [5, 1], [4, 4], [7, 3], [3, 7], [33, 17], [17, 40]])
  func properties(shape: [Int]) throws {
    let matrix = Tensor.random(shape)
    let rank = min(shape[0], shape[1])
    let (u, values, vt) = try #require(matrix.singularValueDecomposition())
    #expect(u.shape == [shape[0], rank] && values.count == rank && vt.shape == [rank, shape[1]])
    let identity = Tensor((0..<rank * rank).map { $0 % (rank + 1) == 0 ? 1 : 0 }, shape: [rank, rank])
    expectClose(.product(u, u, transposingFirst: true), identity, relative: 2e-6, "Uᵀ U")
    expectClose(.product(vt, vt, transposingSecond: true), identity, relative: 2e-6, "Vᵀ V")
    #expect(values == values.sorted(by: >) && values.allSatisfy { $0 >= 0 })
    var scaled = u
    scaled.withMutableScalars { u in
      for i in u.indices { u[i] *= values[i % rank] }
    }
    expectClose(.product(scaled, vt), matrix, relative: 2e-6, "U diag(s) Vᵀ")
  }

  @Test("the singular values of a diagonal matrix are the magnitudes of its entries")
  func diagonal() throws {
    let matrix = Tensor([0, -3, 0, 2, 0, 0, 0, 0, 5], shape: [3, 3])
    let values = try #require(matrix.singularValueDecomposition()).values
    expectClose(Tensor(values, shape: [3]), Tensor([5, 3, 2], shape: [3]), relative: 1e-6)
  }

  @Test("a matrix of rank one has one singular value that is not zero")
  func rankOne() throws {
    let matrix = Tensor.product(.random([6, 1]), .random([1, 4], seed: 2))
    let values = try #require(matrix.singularValueDecomposition()).values
    #expect(abs(values[0] - matrix.norm) < 1e-5 && values.dropFirst().allSatisfy { $0 < 1e-5 })
    #expect(try #require(Tensor(zeros: [2, 3]).singularValueDecomposition()).values == [0, 0])
  }

  @Test("a matrix that is empty or not finite has no decomposition", arguments: [Float.nan, .infinity])
  func notFinite(_ scalar: Float) {
    var matrix = Tensor.random([4, 3])
    matrix.withMutableScalars { $0[7] = scalar }
    #expect(matrix.singularValueDecomposition() == nil)
    #expect(Tensor(zeros: [0, 3]).singularValueDecomposition() == nil)
  }
}
