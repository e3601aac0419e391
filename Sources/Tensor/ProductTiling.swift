/// The tiles of a matrix product: ranges of its rows and columns, chosen by its shape alone.
struct ProductTiling {
  /// The number of rows of the second factor that are multiplied at a time: with a panel of it they fit the first cache,
  /// with the rows of a tile of the first factor the second.
  static let depthAtATime = 256

  /// The number of panels that are multiplied at a time.
  static let panelsAtATime = 2

  private static let rowsPerTile = 256
  /// The number of columns that tiles are multiples of.
  static let columnUnit = panelsAtATime * PackedMatrix.panelWidth

  private let rows: Int
  private let columns: Int
  private let tilesDown: Int
  private let tilesAcross: Int

  /// The number of tiles.
  var count: Int { tilesDown * tilesAcross }

  init(rows: Int, columns: Int, depth: Int) {
    self.rows = rows
    self.columns = columns
    // A tile of a million multiply-adds takes some ten microseconds; smaller ones do not repay the handover. Forty-eight
    // tiles keep sixteen threads busy.
    let wanted = max(1, min(48, (rows * columns * depth) >> 20))
    let units = max(1, (columns + Self.columnUnit - 1) / Self.columnUnit)
    let down = max(1, (rows + Self.rowsPerTile - 1) / Self.rowsPerTile)
    let isCut = rows > Self.rowsPerTile / 2 && down * units < wanted
    tilesDown = isCut ? 2 * down : down
    tilesAcross = isCut ? units : min(units, max(1, (wanted + down - 1) / down))
  }

  /// The rows and the columns of a tile; columns begin at a multiple of 32.
  func ranges(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (down, across) = index.quotientAndRemainder(dividingBy: tilesAcross)
    let units = (columns + Self.columnUnit - 1) / Self.columnUnit
    return (
      rows * down / tilesDown..<rows * (down + 1) / tilesDown,
      min(
        columns, units * across / tilesAcross * Self.columnUnit)..<min(
          columns, units * (across + 1) / tilesAcross * Self.columnUnit)
    )
  }

  /// The depth in blocks.
  static func depthBlocks(_ depth: Int) -> some Sequence<Range<Int>> {
    stride(from: 0, to: depth, by: depthAtATime).lazy.map { $0..<min(depth, $0 + depthAtATime) }
  }

  /// Columns in blocks of `panelsAtATime` panels.
  static func panelBlocks(_ columns: Range<Int>) -> some Sequence<Range<Int>> {
    stride(from: columns.lowerBound, to: columns.upperBound, by: columnUnit).lazy.map {
      $0..<min(columns.upperBound, $0 + columnUnit)
    }
  }
}
