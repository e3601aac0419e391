internal import DiffusionCore
internal import EditEvaluation
internal import NullTextInversion

/// The options of one edit, or of all combinations of several cross-attention and self-attention windows.
struct EditSweep {
  /// The options, with a row per cross-attention window and a column per self-attention window.
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

  /// Returns a labeled contact sheet of the edits.
  ///
  /// - Parameters:
  ///   - images: The edited pictures, in the order of `all`.
  ///   - source: The reconstruction, which comes first.
  ///   - title: The title of the sheet.
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
