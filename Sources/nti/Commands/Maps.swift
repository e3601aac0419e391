internal import ArgumentParser
internal import EditEvaluation
internal import Foundation
internal import NullTextInversion

/// Writes the attention maps of a prompt's words.
struct Maps: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the attention maps of words in a picture.",
    discussion: """
      Writes a contact sheet with a heat map of the attention to each word, and with the principal components of the \
      self-attention, which show similar parts of the picture. Without --prompt, the words are those of the caption.
      """)

  /// The most common options.
  struct Common: ParsableArguments {
    @Option(
      help: ArgumentHelp("Show the words of this prompt during an edit with it.", valueName: "text"))
    var prompt: String?

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "The contact sheet to write (default: the inversion's name with .maps.png).", valueName: "file"))
    var output: String?

    @OptionGroup var model: ModelOption

    @Option(
      name: .customLong("word"), help: ArgumentHelp("Show only this word. Repeatable.", valueName: "word"))
    var chosenWords: [String] = []

    @Option(
      help: ArgumentHelp(
        "The width of the maps to show (default: about a quarter of the finest maps' width).", valueName: "n")
    )
    var grid: Int?

    @Flag(help: "Show a map for each tenth of the steps instead of the mean over all steps.")
    var perStep = false
  }

  @Argument(help: ArgumentHelp("An inversion.", valueName: "file.nti"))
  var inversion: String

  @OptionGroup(title: "Common options") var common: Common
  @OptionGroup var settings: EditSettings
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var memory: MemoryOption
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if common.prompt == nil, let name = settings.givenNames.first {
      throw ValidationError("\(name) is a setting of an edit and needs --prompt.")
    }
  }

  func run() async throws {
    let work = work.start()
    let path = inversion
    let inversion = try Inversion(contentsOf: URL(fileURLWithPath: path))
    let file = try OutputFile.picture(
      common.output ?? path.replacingPathExtension(with: "maps.png").firstFreePath(), overwrite,
      sparing: [path])
    let chosen = try common.model.open()
    try chosen.check(inversion, path)
    try chosen.checkSparesPhoto([file], of: InversionArguments(of: inversion), overwrite)
    let caption = PromptWords(try chosen.check(inversion.caption, as: "caption"))
    let target = PromptWords(try chosen.check(common.prompt ?? inversion.caption, as: "prompt"))
    for word in common.chosenWords { _ = try target.tokens(of: word) }
    let recommended = chosen.recommendation
    let options = try settings.singleEdit(
      over: recommended.editOptions(from: inversion.caption, to: common.prompt ?? inversion.caption),
      recommended: recommended, source: caption, target: target)

    let limits = try memory.limits(
      for: chosen.checkpoint, editing: options, pictureSize: inversion.pictureSize)
    let editor = try await chosen.load(work.progress, memory: limits)
    let inverted = try editor.open(inversion)
    work.progress.begin()
    let handler = work.progress.handler
    let (picture, maps): (RGBImage, AttentionMaps)
    if let prompt = common.prompt {
      let edit = try await inverted.attentionMaps(prompt: prompt, options: options, progress: handler)
      (picture, maps) = (edit.edited.image, edit.maps)
    } else {
      (picture, maps) = (
        try await inverted.reconstruction(), try await inverted.attentionMaps(progress: handler)
      )
    }
    try file.write(try sheet(of: maps, over: picture, title: common.prompt ?? inversion.caption).rendered())

    var report = Report(seconds: work.seconds, evaluations: editor.model.counter.total, about: inversion)
    report.output = file.path
    try work.finish(report, "\(file.path)\n  grids \(maps.grids.map(\.description).joined(separator: ", "))")
  }

  private func sheet(of maps: AttentionMaps, over picture: RGBImage, title: String) throws -> ContactSheet {
    let size = try common.grid.map { width in
      guard let size = maps.grids.first(where: { $0.width == width }) else {
        throw UsageError(
          "--grid \(width): there is no such grid. Choose the width of \(maps.grids.map(\.description).joined(separator: ", "))."
        )
      }
      return size
    }
    let words = common.chosenWords.isEmpty ? maps.words.words.map(\.text) : common.chosenWords
    var rows: [[ContactSheet.Cell?]] = []
    if common.perStep {
      let (steps, tenth) = (maps.steps, max(1, maps.steps.count / 10))
      let parts = stride(from: steps.lowerBound, to: steps.upperBound, by: tenth).map {
        $0..<min($0 + tenth, steps.upperBound)
      }
      for word in words {
        rows.append(
          try parts.map {
            .init(
              try maps.overlay(of: word, on: picture, grid: size, steps: $0),
              label: "\(word), \($0.lowerBound + 1)-\($0.upperBound)")
          })
      }
    } else {
      let cells =
        [ContactSheet.Cell(picture, label: "picture")]
        + (try words.map { .init(try maps.overlay(of: $0, on: picture, grid: size), label: $0) })
      rows = stride(from: 0, to: cells.count, by: 5).map { Array(cells[$0..<min($0 + 5, cells.count)]) }
    }
    if let finest = maps.selfGrids.last {
      rows.append(
        try maps.selfAttentionComponents(4, grid: finest).enumerated().map { index, component in
          .init(
            HeatMap(component).rendered(width: picture.width, height: picture.height),
            label: "component \(index + 1), \(finest)")
        })
    }
    var sheet = ContactSheet(rows: rows)
    sheet.title = title
    sheet.tileWidth = common.perStep ? 128 : 192
    return sheet
  }
}
