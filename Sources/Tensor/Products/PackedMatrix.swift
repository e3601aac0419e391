internal import CTensorKernels

/// A matrix in the order that products read: panels of 16 columns.
///
/// Panel p holds, for each row of the matrix, its scalars in the columns 16p ..< 16p + 16; columns that do not exist are
/// zero. Half-precision scalars stay half and are widened block by block, when a product needs them.
///
/// `@unchecked Sendable`: the scalars are written by the initialiser alone.
final class PackedMatrix: @unchecked Sendable {
  /// The number of columns of a panel.
  static let panelWidth: Int = ctk_panel_width

  /// The number of rows: how many products are summed.
  let depth: Int

  /// The number of columns.
  let columns: Int

  private let format: ScalarFormat
  private let scalars: UnsafeMutableRawPointer

  /// The size in memory, whole panels.
  private let byteCapacity: Int

  private init(depth: Int, columns: Int, format: ScalarFormat) {
    self.depth = depth
    self.columns = columns
    self.format = format
    byteCapacity = Self.panels(of: 0..<columns).count * depth * Self.panelWidth * format.byteCount
    scalars = SystemMemory.allocate(byteCount: byteCapacity)
  }

  /// The transpose of a weight: a row of `source` becomes a column.
  ///
  /// - Parameter source: outputs x inputs, or outputs x inputs x taps; then the depth runs through the inputs of one tap
  ///   after the other.
  /// - Throws: what the reading of the source throws.
  convenience init(transposing source: WeightSource) throws {
    let (inputs, taps) = (source.inputs, source.taps)
    self.init(depth: inputs * taps, columns: source.outputs, format: source.keptFormat)
    try Parallel.forEach(panelCount) { panel in
      let rows = panel * Self.panelWidth..<min(columns, (panel + 1) * Self.panelWidth)
      try source.withRows(rows) { x in
        switch format {
        case .float32:
          ctk_pack_rows(
            floats(panel: panel), x.assumingMemoryBound(to: Float.self), depth, rows.count, inputs, taps)
        case .float16, .bfloat16:
          ctk_pack_rows_16(
            halves(panel: panel), x.assumingMemoryBound(to: UInt16.self), depth, rows.count, inputs, taps)
        }
      }
    }
  }

  /// The transpose, in single precision.
  func transposed() -> PackedMatrix {
    let result = PackedMatrix(depth: columns, columns: depth, format: .float32)
    Parallel.forEach(result.panelCount) { panel in
      // The transpose of whole tiles; the rows of the last that do not exist do not fit.
      let whole = columns / Self.panelWidth * Self.panelWidth
      let to = result.floats(panel: panel)
      if whole > 0 { writeTransposed(panel: panel, depth: 0..<whole, into: to) }
      guard whole < columns else { return }
      withScratch(Self.panelWidth * Self.panelWidth) { tile in
        writeTransposed(panel: panel, depth: whole..<columns, into: tile)
        (to + whole * Self.panelWidth).update(from: tile, count: (columns - whole) * Self.panelWidth)
      }
    }
    return result
  }

  deinit { SystemMemory.deallocate(scalars, byteCount: byteCapacity) }

  /// The size of the matrix in the format in which it is kept.
  var byteCount: Int { depth * columns * format.byteCount }

  private var panelCount: Int { Self.panels(of: 0..<columns).count }

  private func floats(panel: Int) -> UnsafeMutablePointer<Float> {
    scalars.assumingMemoryBound(to: Float.self) + panel * depth * Self.panelWidth
  }

  private func halves(panel: Int) -> UnsafeMutablePointer<UInt16> {
    scalars.assumingMemoryBound(to: UInt16.self) + panel * depth * Self.panelWidth
  }

  /// The panels of some columns, which begin at a multiple of 16.
  static func panels(of columns: Range<Int>) -> Range<Int> {
    columns.lowerBound / panelWidth..<(columns.upperBound + panelWidth - 1) / panelWidth
  }

  /// Rows `range` of some panels in single precision: the address of the first, and the distance of the others.
  ///
  /// - Parameter scratch: memory for the scalars if they must be widened.
  func panels(
    _ panels: Range<Int>, depth range: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int) {
    let (width, stride) = (Self.panelWidth, depth * Self.panelWidth)
    let first = range.lowerBound * width
    guard format != .float32 else { return (UnsafePointer(floats(panel: panels.lowerBound)) + first, stride) }
    let widen = format == .float16 ? ctk_widen_f16 : ctk_widen_bf16
    let length = range.count * width
    for (index, panel) in panels.enumerated() {
      widen(scratch + index * length, halves(panel: panel) + first, length)
    }
    return (UnsafePointer(scratch), length)
  }

  /// Rows `range` of some panels of the transpose in single precision: the address of the first, and the distance of the
  /// others.
  ///
  /// - Parameters:
  ///   - range: columns of this matrix; begins at a multiple of 16.
  ///   - scratch: memory for the scalars, the range rounded up to a multiple of 16.
  func transposedPanels(
    _ panels: Range<Int>, depth range: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int) {
    let length = (range.count + Self.panelWidth - 1) / Self.panelWidth * Self.panelWidth * Self.panelWidth
    for (index, panel) in panels.enumerated() {
      writeTransposed(panel: panel, depth: range, into: scratch + index * length)
    }
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
    let source = range.lowerBound / width
    guard (panel + 1) * width <= depth else {
      return writeTransposedEdge(panel: panel, of: source..<source + tiles, into: scratch)
    }
    let first = panel * width * width
    switch format {
    case .float32: ctk_transpose_tiles(scratch, width * width, floats(panel: source) + first, stride, tiles)
    case .float16:
      ctk_transpose_tiles_f16(scratch, width * width, halves(panel: source) + first, stride, tiles)
    case .bfloat16:
      ctk_transpose_tiles_bf16(scratch, width * width, halves(panel: source) + first, stride, tiles)
    }
  }

  /// The last panel of the transpose if fewer than 16 rows are left for it.
  private func writeTransposedEdge(
    panel: Int, of sources: Range<Int>, into scratch: UnsafeMutablePointer<Float>
  ) {
    let width = Self.panelWidth
    let rows = depth - panel * width
    withScratch(2 * width * width) { tile in
      for (index, source) in sources.enumerated() {
        let (base, _) = panels(
          source..<source + 1, depth: panel * width..<depth, scratch: tile + width * width)
        tile.update(from: base, count: rows * width)
        (tile + rows * width).update(repeating: 0, count: (width - rows) * width)
        ctk_transpose_tiles(scratch + index * width * width, 0, tile, 0, 1)
      }
    }
  }
}
