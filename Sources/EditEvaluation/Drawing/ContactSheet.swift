/// A contact sheet: pictures in rows and columns, with a label below each.
///
/// ```swift
/// let sheet = ContactSheet([
///   .init(photo, label: "photo"), .init(reconstruction, label: "reconstruction, 28.9 dB"),
///   .init(edited, label: "a tiger sitting next to a mirror"),
/// ])
/// try sheet.rendered().write(to: url)
/// ```
///
/// Labels and titles are wrapped to as many lines as they need, and never truncated.
public struct ContactSheet: Sendable {
  /// A picture and its label.
  public struct Cell: Sendable {
    /// The picture.
    public var image: RGBImage
    /// The text below the picture.
    public var label: String

    /// Creates a cell.
    public init(_ image: RGBImage, label: String = "") {
      self.image = image
      self.label = label
    }
  }

  /// The cells, row by row; nil leaves a place empty.
  public var rows: [[Cell?]]

  /// The title above the sheet.
  public var title = ""

  /// The titles above the columns.
  public var columnTitles: [String] = []

  /// The titles to the left of the rows.
  public var rowTitles: [String] = []

  /// The width in pixels up to which narrower pictures are enlarged, by the largest integer factor that fits.
  ///
  /// Each pixel becomes a square, so that the model's pixels stay visible and labels have enough space.
  public var tileWidth = 256

  /// Creates a sheet from rows of cells.
  public init(rows: [[Cell?]]) { self.rows = rows }

  /// Creates a sheet with rows of at most `columns` cells; nil for a single row.
  public init(_ cells: [Cell], columns: Int? = nil) {
    let columns = max(1, columns ?? cells.count)
    rows = stride(from: 0, to: cells.count, by: columns).map { start in
      cells[start..<min(start + columns, cells.count)].map { $0 }
    }
  }

  /// Returns the sheet as a picture, with dark text on white.
  public func rendered() -> RGBImage {
    let layout = Layout(of: self)
    var sheet = RGBImage(width: layout.width, height: layout.height)
    for text in layout.texts {
      sheet.draw(text.line, x: text.x, y: text.y, scale: text.scale, color: SIMD3(28, 28, 32))
    }
    for picture in layout.pictures { sheet.draw(picture.image, x: picture.x, y: picture.y) }
    return sheet
  }
}

/// The positions of all texts and pictures on a contact sheet.
private struct Layout {
  var width = 0
  var height = 0
  var texts: [(line: String, x: Int, y: Int, scale: Int)] = []
  var pictures: [(image: RGBImage, x: Int, y: Int)] = []

  init(of sheet: ContactSheet) {
    let rows = sheet.rows.map { row in
      row.map { cell in
        cell.map { ContactSheet.Cell($0.enlarged(toWidth: sheet.tileWidth), label: $0.label) }
      }
    }
    let columnCount = max(rows.map(\.count).max() ?? 0, sheet.columnTitles.count)
    let columnWidths = (0..<columnCount).map { column in
      rows.compactMap { column < $0.count ? $0[column]?.image.width : nil }.max() ?? sheet.tileWidth
    }
    // Text is readable at two pixels per dot. Sheets of large pictures are usually displayed smaller and need more.
    let scale = max(2, (columnWidths.max() ?? 0) / 256)
    let gap = 6 * scale

    let rowTitleColumns = 14
    let rowTitles = sheet.rowTitles.map { BitmapFont.lines(of: $0, columns: rowTitleColumns) }
    let rowTitleWidth = (rowTitles.joined().map(\.count).max() ?? 0) * BitmapFont.advance * scale
    var lefts: [Int] = []
    var x = gap + (rowTitleWidth > 0 ? rowTitleWidth + gap : 0)
    for width in columnWidths {
      lefts.append(x)
      x += width + gap
    }
    let titleScale = scale + 1
    let titleColumns = max(x - 2 * gap, 240) / (BitmapFont.advance * titleScale)
    let titleLines = sheet.title.isEmpty ? [] : BitmapFont.lines(of: sheet.title, columns: titleColumns)
    let titleWidth = (titleLines.map(\.count).max() ?? 0) * BitmapFont.advance * titleScale
    width = max(x, titleWidth + 2 * gap)

    var y = gap
    for line in titleLines {
      texts.append((line, gap, y, titleScale))
      y += BitmapFont.lineHeight * titleScale
    }
    if !titleLines.isEmpty { y += gap }
    y += center(sheet.columnTitles, under: y, lefts: lefts, widths: columnWidths, scale: scale)

    for (i, row) in rows.enumerated() {
      let pictureHeight = row.compactMap { $0?.image.height }.max() ?? 0
      if i < rowTitles.count {
        let top = y + (pictureHeight - rowTitles[i].count * BitmapFont.lineHeight * scale) / 2
        for (n, line) in rowTitles[i].enumerated() {
          texts.append((line, gap, max(y, top) + n * BitmapFont.lineHeight * scale, scale))
        }
      }
      for (column, cell) in row.enumerated() {
        guard let image = cell?.image else { continue }
        let left = lefts[column] + (columnWidths[column] - image.width) / 2
        pictures.append((image, left, y + pictureHeight - image.height))
      }
      let titleHeight = i < rowTitles.count ? rowTitles[i].count * BitmapFont.lineHeight * scale : 0
      let rowEnd = y + max(pictureHeight, titleHeight)
      let labelTop = y + pictureHeight + gap / 2
      let labels = center(
        row.map { $0?.label ?? "" }, under: labelTop, lefts: lefts, widths: columnWidths, scale: scale)
      y = max(rowEnd, labels > 0 ? labelTop + labels : 0) + gap
    }
    height = max(y, gap + 1)
  }

  /// Adds a text for each column, centered in the column and with its top at `y`.
  ///
  /// - Returns: The height of the tallest text.
  private mutating func center(
    _ labels: [String], under y: Int, lefts: [Int], widths: [Int], scale: Int
  ) -> Int {
    var height = 0
    for (column, label) in labels.enumerated() where !label.isEmpty {
      let columns = max(1, (widths[column] + scale) / (BitmapFont.advance * scale))
      let lines = BitmapFont.lines(of: label, columns: columns)
      for (n, line) in lines.enumerated() {
        let lineWidth = (line.count * BitmapFont.advance - 1) * scale
        let x = lefts[column] + (widths[column] - lineWidth) / 2
        texts.append((line, x, y + n * BitmapFont.lineHeight * scale, scale))
      }
      height = max(height, lines.count * BitmapFont.lineHeight * scale)
    }
    return height
  }
}

extension ContactSheet.Cell {
  fileprivate func enlarged(toWidth width: Int) -> RGBImage {
    image.enlarged(by: max(1, width / image.width))
  }
}
