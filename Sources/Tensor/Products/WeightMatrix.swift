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

  /// The size of the weight as it is kept.
  var byteCount: Int { packed.byteCount }

  /// The transpose, inputs x outputs: the second factor of `x Wᵀ`.
  private let packed: PackedMatrix

  /// The matrix itself, the second factor of `dy W`; nil if it is to be derived block by block, to save memory.
  private let transposed: LazyTranspose?

  /// A weight in the order of checkpoints: outputs x inputs, or outputs x inputs x taps of a kernel, whose columns then
  /// run through the inputs of one tap after the other.
  init(_ weight: WeightSource) throws {
    packed = try PackedMatrix(transposing: weight)
    transposed = weight.savesMemory ? nil : LazyTranspose(packed)
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
    let first = rows.lowerBound * outputs + range.lowerBound
    multiplyTile(
      x, rows: rows.count, outputs: range, into: y + first, stride: outputs,
      residual: addends.residual?.address(first), offset: addends.offset)
  }

  /// One tile of `x Wᵀ` plus addends, to any place.
  ///
  /// - Parameters:
  ///   - x: the first row of the tile; rows are `inputs` apart.
  ///   - rows: the number of rows of the tile.
  ///   - range: the outputs of the tile; begins at a multiple of 16.
  ///   - y: the first scalar of the tile; rows are `stride` apart.
  ///   - residual: added to the tile; lies like it.
  ///   - offset: one number per output of the whole result, added to every row.
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

  /// `dy W`, row by row: the vector-Jacobian product of `x Wᵀ` at x.
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

/// The kernels of a 3x3 convolution, as `Winograd` reads them.
extension WeightMatrix {
  /// The kernels of 16 outputs for some inputs: taps x inputs x 16.
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
    func tap(_ tap: Int) -> UnsafePointer<Float> {
      let depth = tap * channels + range.lowerBound..<tap * channels + range.upperBound
      return packed.panels(panel..<panel + 1, depth: depth, scratch: scratch + tap * length).base
    }
    let first = tap(0)
    guard first == UnsafePointer(scratch) else { return (first, channels * PackedMatrix.panelWidth) }
    for other in 1..<9 { _ = tap(other) }
    return (first, length)
  }

  /// The kernels of the convolution's adjoint: turned by half a circle, inputs and outputs exchanged.
  ///
  /// - Parameters:
  ///   - panel: counts inputs in sixteens.
  ///   - outputs: the outputs; begins and ends at multiples of 16.
  ///   - scratch: memory for 9 x outputs x 16 scalars.
  /// - Returns: the address of the first tap, and the distance of the others.
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
  /// The columns in the packed matrix; begin at a multiple of 16.
  let columns: Range<Int>
  let depth: Int

  /// Some panels of the second factor, at some depth.
  typealias Panels = (
    _ panels: Range<Int>, _ depth: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int)

  /// `y := x · panels + residual + offset`.
  ///
  /// - Parameters:
  ///   - x: rows are `depth` apart.
  ///   - y: rows are `stride` apart; those of `residual` too.
  ///   - offset: one number per column.
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
