/// The tiles of a matrix product: ranges of its rows or of its columns, chosen by its shape alone.
struct ProductTiling {
  let rowsPerTile: Int
  let columnsPerTile: Int
  private let tilesAcross: Int
  private let rows: Int
  private let columns: Int

  let count: Int

  init(rows: Int, columns: Int, depth: Int) {
    // A tile of a million multiply-adds takes some ten microseconds; smaller ones do not repay the handover.
    let tiles = min(32, max(1, (rows * columns * depth) >> 20))
    self.rows = rows
    self.columns = columns
    if rows >= columns || rows >= 512 {
      rowsPerTile = Self.part(of: rows, by: tiles)
      columnsPerTile = columns
    } else {
      rowsPerTile = rows
      columnsPerTile = Self.part(of: columns, by: tiles)
    }
    tilesAcross = (columns + columnsPerTile - 1) / max(columnsPerTile, 1)
    count = tilesAcross * ((rows + rowsPerTile - 1) / max(rowsPerTile, 1))
  }

  /// An even share of `length`: a multiple of 16, so that kernels meet few edges, and at least 64, so that packing the
  /// other factor costs less than the product.
  private static func part(of length: Int, by tiles: Int) -> Int {
    let share = (length + tiles - 1) / tiles
    return min(length, max(64, (share + 15) / 16 * 16))
  }

  func ranges(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (down, across) = index.quotientAndRemainder(dividingBy: tilesAcross)
    let row = down * rowsPerTile
    let column = across * columnsPerTile
    return (row..<min(rows, row + rowsPerTile), column..<min(columns, column + columnsPerTile))
  }
}
