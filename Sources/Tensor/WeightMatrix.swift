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
    ProductTile(rows: rows, columns: range, depth: inputs, width: outputs)
      .multiply(x, into: y, adding: addends, panels: packed.panels)
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
        ProductTile(rows: rows, columns: columns, depth: outputs, width: inputs)
          .multiply(
            y + rows.lowerBound * outputs, into: x, adding: LayerAddends(offset: nil, residual: nil),
            panels: panels)
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
  /// The rows in the whole result.
  let rows: Range<Int>
  /// The columns in the whole result; begin at a multiple of 16.
  let columns: Range<Int>
  let depth: Int
  /// The number of columns of the whole result.
  let width: Int

  /// Some panels of the second factor, at some depth.
  typealias Panels = (
    _ panels: Range<Int>, _ depth: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int)

  /// `y := x · panels` plus addends.
  ///
  /// - Parameters:
  ///   - x: the first row of the tile; rows are `depth` apart.
  ///   - y: the first scalar of the whole result.
  func multiply(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, adding addends: LayerAddends,
    panels: Panels
  ) {
    let first = y + rows.lowerBound * width
    withScratch(ProductTiling.panelsAtATime * ProductTiling.depthAtATime * PackedMatrix.panelWidth) {
      scratch in
      for block in ProductTiling.depthBlocks(depth) {
        let isFirst = block.lowerBound == 0
        for part in ProductTiling.panelBlocks(columns) {
          let (b, stride) = panels(PackedMatrix.panels(of: part), block, scratch)
          let to = first + part.lowerBound
          let residual = addends.residual?.address(rows.lowerBound * width + part.lowerBound)
          ctk_multiply_panels(
            to, width, x + block.lowerBound, depth, b, stride, rows.count, part.count, block.count,
            isFirst ? addends.offset?.address(part.lowerBound) : nil, isFirst ? residual : UnsafePointer(to),
            width)
        }
      }
    }
  }
}
