internal import DiffusionCore
internal import EditEvaluation
internal import NullTextInversion

/// One edit, or all combinations of several windows of cross- and self-attention.
struct EditSweep {
  /// Row by row: a row for each cross-attention window, a column for each self-attention window.
  let rows: [[EditOptions]]

  init(_ options: EditOptions, crossWindows: [StepWindow], selfWindows: [StepWindow]) {
    rows = crossWindows.map { cross in
      selfWindows.map { own in
        var cell = options
        cell.promptToPrompt?.crossSteps = cross
        cell.promptToPrompt?.selfSteps = own
        return cell
      }
    }
  }

  /// All edits, row by row.
  var all: [EditOptions] { Array(rows.joined()) }

  /// Whether there is more than one edit.
  var isSheet: Bool { all.count > 1 }

  /// The edits on one labelled sheet, what they were made from first.
  ///
  /// - Parameter images: one for each edit, in the order of `all`.
  func sheet(of images: [RGBImage], source: RGBImage, title: String) -> RGBImage {
    let columns = rows[0].count
    var sheet = ContactSheet(
      rows: rows.indices.map { row in
        let source = row == 0 ? ContactSheet.Cell(source, label: "reconstruction") : nil
        return [source] + images[row * columns..<(row + 1) * columns].map { ContactSheet.Cell($0) }
      })
    sheet.title = title
    sheet.columnTitles = [""] + rows[0].compactMap(\.promptToPrompt).map { "self \($0.selfSteps)" }
    sheet.rowTitles = rows.compactMap(\.[0].promptToPrompt).map { "cross \($0.crossSteps)" }
    return sheet.rendered()
  }
}
