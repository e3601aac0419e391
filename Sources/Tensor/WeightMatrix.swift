internal import CTensorKernels

/// The weight of a layer: a matrix of outputs x inputs.
///
/// The only type that knows how products with a weight are computed. Each scalar of a result is summed in the order of the
/// depth, in blocks of a fixed length, so that the division of the work changes no bytes.
struct WeightMatrix: Sendable {
  /// The number of rows: what the layer returns for one row of its input.
  var outputs: Int { packed.columns }

  /// The number of columns: what the layer reads in one row of its input.
  var inputs: Int { packed.depth }

  private let packed: PackedMatrix

  /// A weight in the order of checkpoints: outputs x inputs, or outputs x inputs x taps of a kernel, whose columns then
  /// run through the inputs of one tap after the other.
  init(_ weight: WeightSource) throws {
    packed = try PackedMatrix(transposing: weight)
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
        multiplyTile(x + rows.lowerBound * inputs, rows: rows, outputs: columns, into: y, adding: addends)
      }
    }
  }

  /// One tile of `y := x Wᵀ` plus addends.
  ///
  /// - Parameters:
  ///   - x: the first row of the tile; rows are `inputs` apart.
  ///   - rows: the rows of the tile in the whole result.
  ///   - range: the outputs of the tile; begins at a multiple of 16.
  ///   - y: the first scalar of the whole result; rows are `outputs` apart.
  func multiplyTile(
    _ x: UnsafePointer<Float>, rows: Range<Int>, outputs range: Range<Int>,
    into y: UnsafeMutablePointer<Float>,
    adding addends: LayerAddends
  ) {
    withScratch(ProductTiling.panelsAtATime * ProductTiling.depthAtATime * PackedMatrix.panelWidth) {
      scratch in
      let first = y + rows.lowerBound * outputs
      for block in ProductTiling.depthBlocks(inputs) {
        for columns in ProductTiling.panelBlocks(range) {
          let panels = PackedMatrix.panels(of: columns)
          let (b, stride) = packed.panels(panels, depth: block, scratch: scratch)
          let isFirst = block.lowerBound == 0
          ctk_multiply_panels(
            first + columns.lowerBound, outputs, x + block.lowerBound, inputs, b, stride, rows.count,
            columns.count,
            block.count, isFirst ? addends.offset?.address(columns.lowerBound) : nil,
            isFirst
              ? addends.residual?.address(rows.lowerBound * outputs + columns.lowerBound)
              : UnsafePointer(first + columns.lowerBound),
            outputs)
        }
      }
    }
  }

  /// `dy W`, row by row: the vector-Jacobian product of `x Wᵀ` at x.
  func vectorJacobianProduct(_ upstream: Tensor) -> Tensor {
    precondition(upstream.rowLength == outputs, "\(upstream.shape) from a layer of \(outputs) outputs")
    let rows = upstream.rowCount
    let tiling = ProductTiling(rows: rows, columns: inputs, depth: outputs)
    return Tensor(shape: upstream.shape.dropLast() + [inputs]) { x in
      guard let x = x.baseAddress, let y = upstream.address() else { return }
      Parallel.forEach(tiling.count) { tile in
        let (rows, columns) = tiling.ranges(tile)
        multiplyTransposedTile(y + rows.lowerBound * outputs, rows: rows, inputs: columns, into: x)
      }
    }
  }

  /// One tile of `x := y W`; `range` begins at a multiple of 16.
  private func multiplyTransposedTile(
    _ y: UnsafePointer<Float>, rows: Range<Int>, inputs range: Range<Int>, into x: UnsafeMutablePointer<Float>
  ) {
    let panelLength = ProductTiling.depthAtATime * PackedMatrix.panelWidth
    withScratch(ProductTiling.panelsAtATime * panelLength) { scratch in
      let first = x + rows.lowerBound * inputs
      for block in ProductTiling.depthBlocks(outputs) {
        for columns in ProductTiling.panelBlocks(range) {
          for (index, panel) in PackedMatrix.panels(of: columns).enumerated() {
            packed.writeTransposed(panel: panel, depth: block, into: scratch + index * panelLength)
          }
          ctk_multiply_panels(
            first + columns.lowerBound, inputs, y + block.lowerBound, outputs, scratch, panelLength,
            rows.count,
            columns.count, block.count, nil,
            block.lowerBound == 0 ? nil : UnsafePointer(first + columns.lowerBound),
            inputs)
        }
      }
    }
  }

  /// The kernels of 16 outputs for some inputs of a 3x3 convolution: taps x inputs x 16.
  ///
  /// - Parameters:
  ///   - panel: counts outputs in sixteens.
  ///   - inputs: the inputs.
  ///   - scratch: memory for 9 x inputs x 16 scalars.
  /// - Returns: the address of the first tap, and the distance of the others.
  func kernels(
    panel: Int, inputs range: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int) {
    let channels = inputs / 9
    let length = range.count * PackedMatrix.panelWidth
    var first: UnsafePointer<Float>?
    for tap in 0..<9 {
      let depth = tap * channels + range.lowerBound..<tap * channels + range.upperBound
      let (base, _) = packed.panels(panel..<panel + 1, depth: depth, scratch: scratch + tap * length)
      first = first ?? base
    }
    guard let first else { preconditionFailure("nine taps") }
    return (first, first == UnsafePointer(scratch) ? length : channels * PackedMatrix.panelWidth)
  }

  /// The kernels of the convolution's adjoint: turned by half a circle, inputs and outputs exchanged.
  ///
  /// - Parameters:
  ///   - panel: counts inputs in sixteens.
  ///   - outputs: the outputs; begins and ends at multiples of 16.
  ///   - scratch: memory for 9 x outputs x 16 scalars.
  func adjointKernels(panel: Int, outputs range: Range<Int>, into scratch: UnsafeMutablePointer<Float>) {
    let panelsPerTap = inputs / 9 / PackedMatrix.panelWidth
    for tap in 0..<9 {
      packed.writeTransposed(
        panel: tap * panelsPerTap + panel, depth: range,
        into: scratch + (8 - tap) * range.count * PackedMatrix.panelWidth)
    }
  }
}
