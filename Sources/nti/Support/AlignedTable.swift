/// A table of short texts: the first column is left-aligned, the others are right-aligned.
struct AlignedTable {
  private var rows: [[String]]

  init(_ rows: [[String]] = []) { self.rows = rows }

  /// Adds a row, which may be shorter than others.
  mutating func add(_ row: [String]) { rows.append(row) }

  /// The printed table.
  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.compactMap { $0.indices.contains(column) ? $0[column].count : nil }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, text in
        let space = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + space : space + text
      }
      return cells.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
