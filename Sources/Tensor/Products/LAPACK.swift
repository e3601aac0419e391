internal import CLAPACKE

extension Tensor {
  /// Returns the thin singular value decomposition U diag(s) Vᵀ of a matrix (rows × columns), computed by LAPACK's
  /// `sgesdd`.
  ///
  /// - Returns: U (rows × r), the r singular values in descending order, and Vᵀ (r × columns), where r is the smaller
  ///   of rows and columns; nil if the matrix is empty, contains NaN or infinity, or the iteration does not converge.
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
