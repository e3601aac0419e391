internal import CTensorKernels

extension Variable {
  /// Each row less its mean, over its standard deviation, times `scale`, plus `shift`.
  ///
  /// Layer normalisation, Ba, Kiros and Hinton 2016, arXiv 1607.06450.
  ///
  /// - Parameters:
  ///   - scale: a factor for each number of a row.
  ///   - shift: a summand for each number of a row.
  ///   - epsilon: added to the variance.
  public func layerNormalized(scale: Tensor, shift: Tensor, epsilon: Float) -> Variable {
    let x = value
    let columns = x.rowLength
    precondition(
      scale.count == columns && shift.count == columns,
      "a layer norm of \(scale.shape) and \(shift.shape) over rows of \(columns)")
    let normalized = Tensor(
      shape: x.shape,
      formingRows: { y, rows in
        let offset = rows.lowerBound * columns
        ctk_layer_norm_rows(
          y, x.address(offset), scale.address(), shift.address(), rows.count, columns, epsilon)
      })
    // Mean and deviation are found again from x: a row is in the cache anyway.
    return .recorded(normalized, from: [self]) { upstream in
      let gradient = Tensor(
        shape: x.shape,
        formingRows: { dx, rows in
          let offset = rows.lowerBound * columns
          ctk_layer_norm_vjp_rows(
            dx, x.address(offset), upstream.address(offset), scale.address(), rows.count, columns, epsilon)
        })
      return [gradient]
    }
  }
}
