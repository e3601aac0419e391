/// The weight of a layer: a matrix of outputs x inputs.
///
/// The only type that knows how a weight is stored, so that another storage (packed, half precision) changes this file
/// alone. Layers pass it activations and get products.
struct WeightMatrix: Sendable {
  /// The number of rows: what the layer returns for one row of its input.
  let outputs: Int

  /// The number of columns: what the layer reads in one row of its input.
  let inputs: Int

  /// Row-major, outputs x inputs.
  private let weight: Tensor

  /// A weight in the order of checkpoints: outputs x inputs.
  init(_ weight: Tensor) {
    (outputs, inputs) = weight.shape2
    self.weight = weight
  }

  /// One tile of `y := x Wᵀ + (accumulates ? y : 0)`: some rows of `x`, some of the outputs.
  ///
  /// - Parameters:
  ///   - x: the first row of the tile; rows are `inputs` apart.
  ///   - rows: the number of rows.
  ///   - range: the outputs of the tile.
  ///   - y: the first scalar of the tile; rows are `outputs` apart.
  func multiplyTile(
    _ x: UnsafePointer<Float>, rows: Int, outputs range: Range<Int>, into y: UnsafeMutablePointer<Float>,
    accumulates: Bool
  ) {
    guard let w = weight.address(range.lowerBound * inputs) else { return }
    BLAS.multiply(
      .init(x, stride: inputs), .init(w, stride: inputs, transposed: true),
      into: y, stride: outputs, rows: rows, columns: range.count, depth: inputs, accumulates: accumulates)
  }

  /// `x Wᵀ` plus addends, row by row.
  ///
  /// - Returns: a tensor of the shape of `x`, its last axis of length `outputs`.
  func product(_ x: Tensor, adding addends: LayerAddends) -> Tensor {
    precondition(x.rowLength == inputs, "\(x.shape) into a layer of \(inputs) inputs")
    let rows = x.rowCount
    addends.check(rows: rows, outputs: outputs)
    let tiling = ProductTiling(rows: rows, columns: outputs, depth: inputs)
    return Tensor(shape: x.shape.dropLast() + [outputs]) { y in
      guard let y = y.baseAddress, let x = x.address() else { return }
      Parallel.forEach(tiling.count) { tile in
        let (rows, columns) = tiling.ranges(tile)
        let y = y + rows.lowerBound * outputs + columns.lowerBound
        addends.fill(y, rows: rows, outputs: columns, of: outputs)
        multiplyTile(
          x + rows.lowerBound * inputs, rows: rows.count, outputs: columns, into: y,
          accumulates: !addends.isEmpty)
      }
    }
  }

  /// `dy W`, row by row: the vector-Jacobian product of `x Wᵀ` at x.
  func vectorJacobianProduct(_ upstream: Tensor) -> Tensor {
    Tensor.product(upstream.reshaped([upstream.rowCount, upstream.rowLength]), weight)
      .reshaped(upstream.shape.dropLast() + [inputs])
  }
}
