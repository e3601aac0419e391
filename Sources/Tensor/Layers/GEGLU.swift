internal import CTensorKernels

extension Variable {
  /// Returns the gated GELU of rows of length 2n: the first n elements times the GELU of the last n.
  ///
  /// Shazeer 2020, arXiv 2002.05202.
  ///
  /// - Returns: A variable with half the length of the last axis.
  public func geglu() -> Variable {
    precondition(value.rowLength.isMultiple(of: 2), "\(shape) has rows of odd length")
    return Profile.measure(
      .pass(
        .geglu, reading: value.count, writing: shape.dropLast() + [value.rowLength / 2], isTracked: isTracked),
      gated)
  }

  private func gated() -> Variable {
    let x = value
    let columns = x.rowLength / 2
    let product = Tensor(
      shape: x.shape.dropLast() + [columns], rowWork: 2 * columns,
      formingRows: { y, rows in
        ctk_geglu_rows(y, columns, x.address(rows.lowerBound * 2 * columns), rows.count, columns)
      })
    return .recorded(product, from: [self]) { upstream in
      let gradient = Tensor(
        shape: x.shape,
        formingRows: { dx, rows in
          ctk_geglu_vjp_rows(
            dx, x.address(rows.lowerBound * 2 * columns), upstream.address(rows.lowerBound * columns),
            rows.count,
            columns)
        })
      return [gradient]
    }
  }
}
