internal import CTensorKernels

/// A matrix packed for products: panels of 16 columns.
///
/// Panel p holds, for each row, the elements of columns 16p ..< 16p + 16; missing columns are zero. Half-precision
/// elements stay in half precision; products widen them block by block.
///
/// `@unchecked Sendable`: only the initializer writes the elements.
final class PackedMatrix: @unchecked Sendable {
  /// The number of columns of a panel.
  static let panelWidth: Int = ctk_panel_width

  /// The number of rows: the depth of products.
  let depth: Int

  /// The number of columns.
  let columns: Int

  private let format: ScalarFormat
  private let scalars: UnsafeMutableRawPointer

  /// The allocated size: whole panels.
  private let byteCapacity: Int

  private init(depth: Int, columns: Int, format: ScalarFormat) {
    self.depth = depth
    self.columns = columns
    self.format = format
    byteCapacity = Self.panels(of: 0..<columns).count * depth * Self.panelWidth * format.byteCount
    scalars = SystemMemory.allocate(byteCount: byteCapacity)
  }

  /// Packs the transpose of a weight: each row of `source` becomes a column.
  ///
  /// - Parameter source: outputs × inputs, or outputs × inputs × taps; the depth of the latter is tap-major (all inputs
  ///   of the first tap, then of the next).
  /// - Throws: The errors of reading the source.
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

  /// Returns the transpose in single precision.
  func transposed() -> PackedMatrix {
    let result = PackedMatrix(depth: columns, columns: depth, format: .float32)
    Parallel.forEach(result.panelCount) { panel in
      // The kernel transposes whole tiles; the last tile may exceed the panel, so it goes to a scratch buffer.
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

  /// The size of the matrix in its stored format.
  var byteCount: Int { depth * columns * format.byteCount }

  private var panelCount: Int { Self.panels(of: 0..<columns).count }

  private func floats(panel: Int) -> UnsafeMutablePointer<Float> {
    scalars.assumingMemoryBound(to: Float.self) + panel * depth * Self.panelWidth
  }

  private func halves(panel: Int) -> UnsafeMutablePointer<UInt16> {
    scalars.assumingMemoryBound(to: UInt16.self) + panel * depth * Self.panelWidth
  }

  /// Returns the panels of a range of columns that begins at a multiple of 16.
  static func panels(of columns: Range<Int>) -> Range<Int> {
    columns.lowerBound / panelWidth..<(columns.upperBound + panelWidth - 1) / panelWidth
  }

  /// Returns the address of rows `range` of some panels in single precision, and the stride between panels.
  ///
  /// - Parameter scratch: Memory for the elements if they must be widened.
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

  /// Returns the address of rows `range` of some panels of the transpose in single precision, and the stride between
  /// panels.
  ///
  /// - Parameters:
  ///   - range: Columns of this matrix; begins at a multiple of 16.
  ///   - scratch: Memory for the elements, with the range rounded up to a multiple of 16.
  func transposedPanels(
    _ panels: Range<Int>, depth range: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> (base: UnsafePointer<Float>, stride: Int) {
    let length = (range.count + Self.panelWidth - 1) / Self.panelWidth * Self.panelWidth * Self.panelWidth
    for (index, panel) in panels.enumerated() {
      writeTransposed(panel: panel, depth: range, into: scratch + index * length)
    }
    return (UnsafePointer(scratch), length)
  }

  /// Writes rows of a panel of the transpose in single precision.
  ///
  /// - Parameters:
  ///   - panel: The panel of the transpose: rows 16 `panel` ..< 16 `panel` + 16 of this matrix; missing rows become
  ///     zero.
  ///   - range: The rows of the transpose, which are columns of this matrix; begins at a multiple of 16.
  ///   - scratch: Memory for the panel rows, rounded up to a multiple of 16.
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

  /// Writes the last panel of the transpose if it has fewer than 16 rows of this matrix.
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
