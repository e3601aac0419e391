/// The tiles of a matrix product: ranges of its rows and columns.
struct ProductTiling {
  /// The number of panels that are multiplied at a time.
  static let panelsAtATime = ProcessorLevel.current.panelsAtATime

  /// The most rows of the second factor that are multiplied at a time: with the panels of it they fit the first cache,
  /// with the rows of a tile of the first factor the second. (All widths of Stable Diffusion are multiples of 320.)
  static let depthAtATime = panelsAtATime == 1 ? 320 : 256

  /// The number of columns that tiles are multiples of.
  static let columnUnit = panelsAtATime * PackedMatrix.panelWidth

  private static let rowsPerTile = 256
  private static let columnsPerTile = 192

  private let rows: Int
  private let columns: Int
  private let tilesDown: Int
  private let tilesAcross: Int

  /// The number of tiles.
  var count: Int { tilesDown * tilesAcross }

  /// The tiles of a product with a weight, whose results do not depend on them: some for each thread.
  init(rows: Int, columns: Int, depth: Int) {
    self.init(rows: rows, columns: columns, depth: depth, wanted: 16 * Parallel.threadCount)
  }

  /// - Parameter wanted: how many tiles there shall be, if there is enough to do.
  init(rows: Int, columns: Int, depth: Int, wanted: Int) {
    self.rows = rows
    self.columns = columns
    // A tile of a quarter of a million multiply-adds takes two microseconds; smaller ones do not repay the handover.
    let wanted = max(1, min(wanted, (rows * columns * depth) >> 18))
    let units = max(1, (columns + Self.columnUnit - 1) / Self.columnUnit)
    let down = max(1, (rows + Self.rowsPerTile - 1) / Self.rowsPerTile)
    let isCut = rows > Self.rowsPerTile / 2 && down * units < wanted
    let across = max((wanted + down - 1) / down, (columns + Self.columnsPerTile - 1) / Self.columnsPerTile)
    tilesDown = isCut ? 2 * down : down
    tilesAcross = isCut ? units : min(units, max(1, across))
  }

  /// The rows and the columns of a tile; columns begin at a multiple of 16.
  func ranges(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (down, across) = index.quotientAndRemainder(dividingBy: tilesAcross)
    let units = (columns + Self.columnUnit - 1) / Self.columnUnit
    func start(_ across: Int) -> Int { min(columns, units * across / tilesAcross * Self.columnUnit) }
    return (
      rows * down / tilesDown..<rows * (down + 1) / tilesDown, start(across)..<start(across + 1)
    )
  }

  /// The depth in blocks of about equal length, each but the last a multiple of 16.
  static func depthBlocks(_ depth: Int) -> some Sequence<Range<Int>> {
    let count = (depth + depthAtATime - 1) / depthAtATime
    let units = (depth + 15) / 16
    func start(_ block: Int) -> Int { min(depth, units * block / count * 16) }
    return (0..<count).lazy.map { start($0)..<start($0 + 1) }
  }

  /// Columns in blocks of `panelsAtATime` panels.
  static func panelBlocks(_ columns: Range<Int>) -> some Sequence<Range<Int>> {
    stride(from: columns.lowerBound, to: columns.upperBound, by: columnUnit).lazy.map {
      $0..<min(columns.upperBound, $0 + columnUnit)
    }
  }
}
