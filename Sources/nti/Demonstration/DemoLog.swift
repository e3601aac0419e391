internal import DiffusionCore
internal import EditEvaluation
internal import NullTextInversion

/// Writes the demo's pictures, and prints a line for each: path, title, PSNR, and time of the stage.
final class DemoLog {
  /// The pictures written so far.
  private(set) var pictures: [String] = []

  private var cells: [ContactSheet.Cell] = []
  private let work: Work
  private let folder: DemoFolder
  private var stageStart = ContinuousClock.now

  init(_ work: Work, _ folder: DemoFolder) {
    self.work = work
    self.folder = folder
  }

  /// Begins a stage.
  func begin(_ title: String) {
    stageStart = .now
    work.progress.begin(title)
  }

  /// The seconds since the stage began.
  var stageSeconds: Double { (ContinuousClock.now - stageStart) / .seconds(1) }

  /// Writes a picture, prints its line, and adds it to the contact sheet.
  func add(
    _ image: RGBImage, _ name: String, _ title: String, psnr: Double? = nil, label: String? = nil,
    recipe: EditRecipe? = nil, seconds: Double? = nil
  ) throws {
    let file = folder.file(name + ".png")
    let text = try recipe.map { [EditRecipe.textKey: try JSONText.line($0)] }
    try file.write(image, texts: text ?? [:])
    pictures.append(file.path)
    let quality = psnr.map(Format.decibels)
    cells.append(.init(image, label: [label ?? title, quality].compactMap(\.self).joined(separator: ", ")))

    work.progress.end()
    guard !work.printsJSON else { return }
    let columns = [file.path.padded(to: 26), title.padded(to: 40), (quality ?? "").padded(to: 8)]
    print((columns + [seconds.map(Format.duration) ?? ""]).joined(separator: "  ").trimmingSpacesAtEnd)
  }

  /// All pictures with their labels: the photo and its reconstructions in the first row, the edits in the second.
  var contactSheet: ContactSheet { ContactSheet(cells, columns: 4) }
}

extension String {
  /// Returns the text padded to a width with trailing spaces.
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  fileprivate var trimmingSpacesAtEnd: String {
    lastIndex { $0 != " " }.map { String(self[...$0]) } ?? ""
  }
}
