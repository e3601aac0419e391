/// The division of a matrix product into tiles: ranges of rows and columns.
struct ProductTiling {
  /// The number of panels that are multiplied at a time.
  static let panelsAtATime = ProcessorLevel.current.panelsAtATime

  /// The maximum depth that is multiplied at a time.
  ///
  /// At this depth the panels fit the L1 cache and the rows of a tile of the first factor fit the L2 cache. (All
  /// channel counts of Stable Diffusion are multiples of 320.)
  static let depthAtATime = panelsAtATime == 1 ? 320 : 256

  /// Tile widths are multiples of this number of columns.
  static let columnUnit = panelsAtATime * PackedMatrix.panelWidth

  private static let rowsPerTile = 256
  private static let columnsPerTile = 192

  private let rows: Int
  private let columns: Int
  private let tilesDown: Int
  private let tilesAcross: Int

  /// The number of tiles.
  var count: Int { tilesDown * tilesAcross }

  /// Creates the tiling of a product with a weight: several tiles per thread, since its results do not depend on the
  /// tiling.
  init(rows: Int, columns: Int, depth: Int) {
    self.init(rows: rows, columns: columns, depth: depth, wanted: 16 * Parallel.threadCount)
  }

  /// - Parameter wanted: The number of tiles to aim for if there is enough work.
  init(rows: Int, columns: Int, depth: Int, wanted: Int) {
    self.rows = rows
    self.columns = columns
    // A tile of 2¹⁸ multiply-adds takes about two microseconds; smaller ones do not repay the cost of dispatch.
    let wanted = max(1, min(wanted, (rows * columns * depth) >> 18))
    let units = max(1, (columns + Self.columnUnit - 1) / Self.columnUnit)
    let down = max(1, (rows + Self.rowsPerTile - 1) / Self.rowsPerTile)
    let isCut = rows > Self.rowsPerTile / 2 && down * units < wanted
    let across = max((wanted + down - 1) / down, (columns + Self.columnsPerTile - 1) / Self.columnsPerTile)
    tilesDown = isCut ? 2 * down : down
    tilesAcross = isCut ? units : min(units, max(1, across))
  }

  /// Returns the rows and columns of a tile; the columns begin at a multiple of 16.
  func ranges(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (down, across) = index.quotientAndRemainder(dividingBy: tilesAcross)
    let units = (columns + Self.columnUnit - 1) / Self.columnUnit
    func start(_ across: Int) -> Int { min(columns, units * across / tilesAcross * Self.columnUnit) }
    return (
      rows * down / tilesDown..<rows * (down + 1) / tilesDown, start(across)..<start(across + 1)
    )
  }

  /// Returns blocks of the depth of about equal length; all but the last are multiples of 16.
  static func depthBlocks(_ depth: Int) -> some Sequence<Range<Int>> {
    let count = (depth + depthAtATime - 1) / depthAtATime
    let units = (depth + 15) / 16
    func start(_ block: Int) -> Int { min(depth, units * block / count * 16) }
    return (0..<count).lazy.map { start($0)..<start($0 + 1) }
  }

  /// Returns blocks of `panelsAtATime` panels of columns.
  static func panelBlocks(_ columns: Range<Int>) -> some Sequence<Range<Int>> {
    stride(from: columns.lowerBound, to: columns.upperBound, by: columnUnit).lazy.map {
      $0..<min(columns.upperBound, $0 + columnUnit)
    }
  }
}
