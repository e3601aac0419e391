internal import CTensorKernels

extension Variable {
  /// `x Wᵀ + bias + residual`, row by row.
  ///
  /// - Parameters:
  ///   - weight: outputs x inputs, as checkpoints store it.
  ///   - bias: one number per output.
  ///   - residual: added to the result, of its shape.
  /// - Returns: a tensor of `self`'s shape, its last axis as long as there are outputs.
  public func linear(_ weight: Tensor, bias: Tensor? = nil, adding residual: Variable? = nil) -> Variable {
    let y = value.linear(weight, bias: bias, adding: residual?.value)
    guard let residual else {
      return .recorded(y, from: [self]) { [$0.linear(transposed: weight)] }
    }
    let tracksInput = isTracked
    return .recorded(y, from: [self, residual]) { [tracksInput ? $0.linear(transposed: weight) : nil, $0] }
  }
}

extension Tensor {
  /// `x Wᵀ + bias + residual`, row by row, for a weight of outputs x inputs.
  public func linear(_ weight: Tensor, bias: Tensor? = nil, adding residual: Tensor? = nil) -> Tensor {
    let (outputs, inputs) = weight.shape2
    precondition(rowLength == inputs, "\(shape) through a layer of \(weight.shape)")
    precondition(
      bias.map { $0.count == outputs } ?? true, "a bias of \(bias?.count ?? 0) for \(outputs) outputs")
    precondition(residual.map { $0.count == rowCount * outputs } ?? true, "a residual of another shape")
    let rows = rowCount
    let tiling = ProductTiling(rows: rows, columns: outputs, depth: inputs)
    let adds = bias != nil || residual != nil
    return Tensor(shape: shape.dropLast() + [outputs]) { y in
      guard let y = y.baseAddress, let x = readOnlyScalars.baseAddress,
        let w = weight.readOnlyScalars.baseAddress
      else { return }
      let bias = bias?.readOnlyScalars.baseAddress
      let residual = residual?.readOnlyScalars.baseAddress
      Parallel.forEach(tiling.count) { tile in
        let (rows, columns) = tiling.ranges(tile)
        let offset = rows.lowerBound * outputs + columns.lowerBound
        if adds {
          ctk_fill_rows(
            y + offset, bias.map { $0 + columns.lowerBound }, residual.map { $0 + offset }, rows.count,
            columns.count,
            outputs, outputs)
        }
        BLAS.multiply(
          .init(x + rows.lowerBound * inputs, stride: inputs),
          .init(w + columns.lowerBound * inputs, stride: inputs, transposed: true),
          into: y + offset, stride: outputs, rows: rows.count, columns: columns.count, depth: inputs,
          accumulates: adds)
      }
    }
  }

  /// `x W`, row by row: the vector-Jacobian product of `linear`.
  func linear(transposed weight: Tensor) -> Tensor {
    Tensor.product(reshaped([rowCount, rowLength]), weight).reshaped(shape.dropLast() + [weight.shape2.1])
  }
}
