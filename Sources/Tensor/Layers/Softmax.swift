internal import CTensorKernels

extension Tensor {
  /// Returns the softmax along the last axis: exp(x) divided by the sum of exp(x) over the row.
  ///
  /// The row maximum is subtracted first, so that large numbers do not overflow.
  ///
  /// ```swift
  /// let shares = Tensor([1, 1, 1, 1], shape: [1, 4]).softmax().scalars  // [0.25, 0.25, 0.25, 0.25]
  /// ```
  public func softmax() -> Tensor {
    let columns = rowLength
    return Tensor(
      shape: shape,
      formingRows: { y, rows in
        ctk_copy_rows(y, address(rows.lowerBound * columns), 1, rows.count * columns, 0, 0)
        ctk_softmax_rows(y, rows.count, columns, columns, 1)
      })
  }
}

extension Variable {
  /// Returns the softmax along the last axis.
  public func softmax() -> Variable {
    let probabilities = value.softmax()
    let columns = probabilities.rowLength
    return .recorded(probabilities, from: [self]) { upstream in
      let gradient = Tensor(
        shape: probabilities.shape,
        formingRows: { dx, rows in
          let offset = rows.lowerBound * columns
          ctk_copy_rows(dx, upstream.address(offset), 1, rows.count * columns, 0, 0)
          ctk_softmax_vjp_rows(dx, probabilities.address(offset), rows.count, columns, columns, 1)
        })
      return [gradient]
    }
  }
}
