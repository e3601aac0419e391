internal import CLAPACKE

extension Tensor {
  /// The singular value decomposition U diag(s) Vᵀ of a matrix of rows x columns, r being the lesser of the two.
  ///
  /// - Returns: U (rows x r), the r singular values from the largest down, and Vᵀ (r x columns); nil if the iteration
  ///   does not converge, as for a matrix that holds something that is not a number.
  public func singularValueDecomposition() -> (u: Tensor, values: [Float], vTransposed: Tensor)? {
    let (rows, columns) = shape2
    let rank = min(rows, columns)
    guard rank > 0, isFinite else { return nil }
    var a = scalars
    var values = [Float](repeating: 0, count: rank)
    var u = [Float](repeating: 0, count: rows * rank)
    var vt = [Float](repeating: 0, count: rank * columns)
    let status = LAPACKE_sgesdd(
      LAPACK_ROW_MAJOR, CChar(UInt8(ascii: "S")), Int32(rows), Int32(columns), &a, Int32(columns),
      &values, &u, Int32(rank), &vt, Int32(columns))
    guard status == 0 else { return nil }
    return (Tensor(u, shape: [rows, rank]), values, Tensor(vt, shape: [rank, columns]))
  }
}
