internal import CTensorKernels
internal import Synchronization

/// A matrix in the order that products read: panels of 16 columns.
///
/// Panel p holds, for each row of the matrix, its scalars in the columns 16p ..< 16p + 16; columns that do not exist are
/// zero. Half-precision scalars stay half and are widened block by block, when a product needs them.
///
/// `@unchecked Sendable`: the scalars are written by the initialiser alone.
final class PackedMatrix: @unchecked Sendable {
  /// The number of columns of a panel.
  static let panelWidth = 16

  /// The number of rows: how many products are summed.
  let depth: Int

  /// The number of columns.
  let columns: Int

  private let format: ScalarFormat
  private let scalars: UnsafeMutableRawPointer

  /// The transpose of a weight: a row of `source` becomes a column.
  ///
  /// - Parameter source: outputs x inputs, or outputs x inputs x taps; then the depth runs through the inputs of one tap
  ///   after the other.
  init(transposing source: WeightSource) throws {
    let (inputs, taps) = (source.inputs, source.taps)
    depth = inputs * taps
    columns = source.outputs
    let format = source.keptFormat
    self.format = format
    let panels = (columns + Self.panelWidth - 1) / Self.panelWidth
    let panelBytes = depth * Self.panelWidth * format.byteCount
    scalars = .allocate(byteCount: max(1, panels * panelBytes), alignment: 64)
    let failure = Mutex<(any Error)?>(nil)
    let (columns, depth, scalars) = (columns, depth, Scalars(base: scalars))
    Parallel.forEach(panels) { panel in
      let rows = panel * Self.panelWidth..<min(columns, (panel + 1) * Self.panelWidth)
      do {
        try source.withRows(rows) { x in
          let to = scalars.base + panel * panelBytes
          switch format {
          case .float32:
            ctk_pack_rows(
              to.assumingMemoryBound(to: Float.self), x.assumingMemoryBound(to: Float.self), depth,
              rows.count,
              inputs, taps)
          case .float16, .bfloat16:
            ctk_pack_rows_16(
              to.assumingMemoryBound(to: UInt16.self), x.assumingMemoryBound(to: UInt16.self), depth,
              rows.count,
              inputs, taps)
          }
        }
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  deinit { scalars.deallocate() }

  /// The panels of some columns, which begin at a multiple of 16.
  static func panels(of columns: Range<Int>) -> Range<Int> {
    columns.lowerBound / panelWidth..<(columns.upperBound + panelWidth - 1) / panelWidth
  }

  /// Rows `depth` of some panels in single precision: the address of the first, and the distance of the others.
  ///
  /// - Parameter scratch: memory for the scalars if they must be widened.
  func panels(
    _ panels: Range<Int>, depth range: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int) {
    let (width, stride) = (Self.panelWidth, depth * Self.panelWidth)
    let first = panels.lowerBound * stride + range.lowerBound * width
    if format == .float32 {
      return (UnsafePointer(scalars.assumingMemoryBound(to: Float.self)) + first, stride)
    }
    let halves = scalars.assumingMemoryBound(to: UInt16.self) + first
    let widen = format == .float16 ? ctk_widen_f16 : ctk_widen_bf16
    let length = range.count * width
    for panel in 0..<panels.count { widen(scratch + panel * length, halves + panel * stride, length) }
    return (UnsafePointer(scratch), length)
  }

  /// Rows of a panel of the transpose in single precision: `range` are columns here, the panel's columns rows here.
  ///
  /// - Parameters:
  ///   - panel: its columns are the rows 16 `panel` ..< 16 `panel` + 16; if fewer exist the others become zero.
  ///   - range: begins at a multiple of 16.
  ///   - scratch: memory for as many panel rows, rounded up to a multiple of 16.
  func writeTransposed(panel: Int, depth range: Range<Int>, into scratch: UnsafeMutablePointer<Float>) {
    let (width, stride) = (Self.panelWidth, depth * Self.panelWidth)
    let tiles = (range.count + width - 1) / width
    let first = range.lowerBound / width * stride + panel * width * width
    guard (panel + 1) * width <= depth else {
      return writeTransposedEdge(panel: panel, tiles: tiles, first: first, into: scratch)
    }
    let halves = UnsafePointer(scalars.assumingMemoryBound(to: UInt16.self)) + first
    switch format {
    case .float32:
      let floats = UnsafePointer(scalars.assumingMemoryBound(to: Float.self)) + first
      ctk_transpose_tiles(scratch, width * width, floats, stride, tiles)
    case .float16: ctk_transpose_tiles_f16(scratch, width * width, halves, stride, tiles)
    case .bfloat16: ctk_transpose_tiles_bf16(scratch, width * width, halves, stride, tiles)
    }
  }

  /// The last panel of the transpose if fewer than 16 rows are left for it.
  private func writeTransposedEdge(
    panel: Int, tiles: Int, first: Int, into scratch: UnsafeMutablePointer<Float>
  ) {
    let (width, stride) = (Self.panelWidth, depth * Self.panelWidth)
    let rows = depth - panel * width
    withScratch(2 * width * width) { tile in
      for index in 0..<tiles {
        let panelOfColumns = first / stride + index
        let (base, _) = panels(
          panelOfColumns..<panelOfColumns + 1, depth: panel * width..<depth, scratch: tile + width * width)
        tile.update(from: base, count: rows * width)
        (tile + rows * width).update(repeating: 0, count: (width - rows) * width)
        ctk_transpose_tiles(scratch + index * width * width, 0, tile, 0, 1)
      }
    }
  }

  /// An address that pieces of work share; each writes its own part.
  private struct Scalars: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
  }
}
