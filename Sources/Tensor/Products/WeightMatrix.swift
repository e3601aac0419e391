internal import CTensorKernels

/// The weight of a layer, outputs × inputs, and its products.
///
/// Each element of a result is summed in the order of the depth, in blocks of a fixed length, so that the tiling does
/// not change the result.
struct WeightMatrix: Sendable {
  /// The number of rows: the outputs of the layer.
  var outputs: Int { packed.columns }

  /// The number of columns: the inputs of the layer.
  var inputs: Int { packed.depth }

  /// The size of the weight in its stored format.
  var byteCount: Int { packed.byteCount }

  /// The transpose, inputs × outputs: the second factor of `x Wᵀ`.
  private let packed: PackedMatrix

  /// The matrix itself, the second factor of `dy W`; nil if it is derived block by block to save memory.
  private let transposed: LazyTranspose?

  /// Creates a weight from the layout of checkpoints: outputs × inputs, or outputs × inputs × taps.
  ///
  /// With taps, the columns are tap-major: all inputs of the first tap, then of the next.
  ///
  /// - Throws: The errors of reading the weight.
  init(_ weight: WeightSource) throws {
    packed = try PackedMatrix(transposing: weight)
    transposed = weight.savesMemory ? nil : LazyTranspose(packed)
  }

  /// Returns `x Wᵀ` plus addends, row by row.
  ///
  /// - Returns: A tensor of the shape of `x` with a last axis of length `outputs`.
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

  /// Computes one tile of `y := x Wᵀ` plus addends.
  ///
  /// - Parameters:
  ///   - x: The first row of the tile; the row stride is `inputs`.
  ///   - rows: The rows of the tile in the whole result.
  ///   - range: The outputs of the tile; begins at a multiple of 16.
  ///   - y: The first element of the whole result; the row stride is `outputs`.
  func multiplyTile(
    _ x: UnsafePointer<Float>, rows: Range<Int>, outputs range: Range<Int>,
    into y: UnsafeMutablePointer<Float>,
    adding addends: LayerAddends
  ) {
    let first = rows.lowerBound * outputs + range.lowerBound
    multiplyTile(
      x, rows: rows.count, outputs: range, into: y + first, stride: outputs,
      residual: addends.residual?.address(first), offset: addends.offset)
  }

  /// Computes one tile of `x Wᵀ` plus addends and writes it to any address.
  ///
  /// - Parameters:
  ///   - x: The first row of the tile; the row stride is `inputs`.
  ///   - rows: The number of rows of the tile.
  ///   - range: The outputs of the tile; begins at a multiple of 16.
  ///   - y: The first element of the tile; the row stride is `stride`.
  ///   - residual: An addend with the layout of the tile.
  ///   - offset: One number per output of the whole result, added to every row.
  func multiplyTile(
    _ x: UnsafePointer<Float>, rows: Int, outputs range: Range<Int>, into y: UnsafeMutablePointer<Float>,
    stride: Int,
    residual: UnsafePointer<Float>? = nil, offset: Tensor?
  ) {
    ProductTile(rows: rows, columns: range, depth: inputs)
      .multiply(
        x, into: y, stride: stride, residual: residual, offset: offset?.address(range.lowerBound),
        panels: packed.panels)
  }

  /// Returns `dy W`, row by row: the vector-Jacobian product of `x Wᵀ` with respect to x.
  func vectorJacobianProduct(_ upstream: Tensor) -> Tensor {
    precondition(upstream.rowLength == outputs, "\(upstream.shape) from a layer of \(outputs) outputs")
    let tiling = ProductTiling(rows: upstream.rowCount, columns: inputs, depth: outputs)
    let panels = transposed?.matrix().panels ?? packed.transposedPanels
    return Tensor(shape: upstream.shape.dropLast() + [inputs]) { x in
      guard let x = x.baseAddress, let y = upstream.address() else { return }
      Parallel.forEach(tiling.count) { tile in
        let (rows, columns) = tiling.ranges(tile)
        ProductTile(rows: rows.count, columns: columns, depth: outputs)
          .multiply(
            y + rows.lowerBound * outputs, into: x + rows.lowerBound * inputs + columns.lowerBound,
            stride: inputs,
            residual: nil, offset: nil, panels: panels)
      }
    }
  }
}

/// The kernels of a 3x3 convolution in the layout that `Winograd` reads.
extension WeightMatrix {
  /// Returns the kernels of 16 outputs for some inputs: taps × inputs × 16.
  ///
  /// - Parameters:
  ///   - panel: The index of the group of 16 outputs.
  ///   - range: The range of inputs.
  ///   - scratch: Memory for 9 × inputs × 16 elements.
  /// - Returns: The address of the first tap, and the stride between taps.
  func kernels(
    panel: Int, inputs range: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int) {
    let channels = inputs / 9
    let length = range.count * PackedMatrix.panelWidth
    func tap(_ tap: Int) -> UnsafePointer<Float> {
      let depth = tap * channels + range.lowerBound..<tap * channels + range.upperBound
      return packed.panels(panel..<panel + 1, depth: depth, scratch: scratch + tap * length).base
    }
    let first = tap(0)
    guard first == UnsafePointer(scratch) else { return (first, channels * PackedMatrix.panelWidth) }
    for other in 1..<9 { _ = tap(other) }
    return (first, length)
  }

  /// Returns the kernels of the adjoint convolution: rotated by 180°, inputs and outputs exchanged.
  ///
  /// - Parameters:
  ///   - panel: The index of the group of 16 inputs.
  ///   - range: The range of outputs; begins and ends at multiples of 16.
  ///   - scratch: Memory for 9 × outputs × 16 elements.
  /// - Returns: The address of the first tap, and the stride between taps.
  func adjointKernels(
    panel: Int, outputs range: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int) {
    let panelsPerTap = inputs / 9 / PackedMatrix.panelWidth
    if let matrix = transposed?.matrix() {
      let last = 8 * panelsPerTap + panel
      let (base, stride) = matrix.panels(last..<last + 1, depth: range, scratch: scratch)
      return (base, -panelsPerTap * stride)
    }
    let length = range.count * PackedMatrix.panelWidth
    for tap in 0..<9 {
      packed.writeTransposed(
        panel: tap * panelsPerTap + panel, depth: range, into: scratch + (8 - tap) * length)
    }
    return (UnsafePointer(scratch), length)
  }
}

/// A tile of a product with a packed matrix.
private struct ProductTile {
  let rows: Int
  /// The columns in the packed matrix; begins at a multiple of 16.
  let columns: Range<Int>
  let depth: Int

  /// Returns panels of the second factor for a range of the depth, and the stride between panels.
  typealias Panels = (
    _ panels: Range<Int>, _ depth: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int)

  /// Computes `y := x · panels + residual + offset`.
  ///
  /// - Parameters:
  ///   - x: The first row; the row stride is `depth`.
  ///   - y: The first row of the result; the row stride is `stride`, also for `residual`.
  ///   - offset: One number per column.
  func multiply(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, stride: Int,
    residual: UnsafePointer<Float>?,
    offset: UnsafePointer<Float>?, panels: Panels
  ) {
    withScratch(ProductTiling.panelsAtATime * ProductTiling.depthAtATime * PackedMatrix.panelWidth) {
      scratch in
      for block in ProductTiling.depthBlocks(depth) {
        let isFirst = block.lowerBound == 0
        for part in ProductTiling.panelBlocks(columns) {
          let (b, panelStride) = panels(PackedMatrix.panels(of: part), block, scratch)
          let column = part.lowerBound - columns.lowerBound
          ctk_multiply_panels(
            y + column, stride, x + block.lowerBound, depth, b, panelStride, rows, part.count, block.count,
            isFirst ? offset.map { $0 + column } : nil,
            isFirst ? residual.map { $0 + column } : UnsafePointer(y + column), stride)
        }
      }
    }
  }
}
