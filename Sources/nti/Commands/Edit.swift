internal import ArgumentParser
internal import Foundation
internal import NullTextInversion
internal import Tensor

/// Edits an inverted photo by walking its path with another prompt.
struct Edit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Edit an inverted photo with a new prompt.",
    usage: "nti edit <file.nti> --prompt <text> [<options>]",
    discussion: """
      Write the caption again with other words, or with words added or left out. Several windows with commas between \
      (--cross-steps 0.4,0.8 --self-steps 0.2,0.5) make all combinations, on one labelled contact sheet.
      """)

  @Argument(help: ArgumentHelp("An inversion.", valueName: "file.nti"))
  var inversion: String

  @Option(help: ArgumentHelp("The new prompt; a recipe may give it instead.", valueName: "text"))
  var prompt: String?

  @OptionGroup var model: ModelOption

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The picture to write (default: the inversion's name with .edit.png).", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Start from the options of a JSON recipe, or of a PNG that an edit wrote.", valueName: "file"))
  var recipe: String?

  @Option(help: ArgumentHelp("Write the options of this edit as a recipe.", valueName: "file.json"))
  var saveRecipe: String?

  @Option(help: ArgumentHelp("Write where --blend let the picture change.", valueName: "file.png"))
  var saveMask: String?

  @OptionGroup(title: "Settings of the edit") var settings: EditSettings
  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard prompt != nil || recipe != nil else {
      throw ValidationError("There is no prompt; say with --prompt what the picture is to show.")
    }
    if let prompt { try Self.check(prompt) }
  }

  private static func check(_ prompt: String) throws {
    guard prompt.contains(where: { !$0.isWhitespace }) else {
      throw ValidationError("The prompt is empty; say what the picture is to show.")
    }
  }

  func run() async throws {
    let work = work.start()
    let base = try recipe.map { try EditRecipe(contentsOf: $0) }
    guard let prompt = prompt ?? base?.prompt else {
      throw UsageError("Neither --prompt nor the recipe says what the picture is to show.")
    }
    try Self.check(prompt)
    let inversion = try Inversion(contentsOf: URL(fileURLWithPath: self.inversion))
    let files = try EditFiles(self)

    let checkpoint = try Checkpoint(model.folder())
    try checkpoint.check(inversion, self.inversion)
    let words = WordCheck(
      source: PromptWords(try checkpoint.check(inversion.caption, as: "caption")),
      target: PromptWords(try checkpoint.check(prompt, as: "prompt")))
    let sweep = try sweep(over: base?.options ?? EditOptions(), words)
    for options in sweep.all { try words.check(options, steps: inversion.stepCount) }

    let editor = try await checkpoint.load(work.progress)
    let inverted = try editor.open(inversion)
    var edits: [EditedImage] = []
    for (index, options) in sweep.all.enumerated() {
      work.progress.begin(sweep.isSheet ? "edit \(index + 1) of \(sweep.all.count)" : "")
      edits.append(try await inverted.edit(prompt: prompt, options: options, progress: work.progress.handler))
    }
    let recipes = sweep.all.map { EditRecipe(prompt: prompt, options: $0) }
    let source = sweep.isSheet ? try await inverted.reconstruction() : nil
    let image =
      source.map { sweep.sheet(of: edits.map(\.image), source: $0, title: prompt) } ?? edits[0].image
    try files.write(image, recipes, mask: edits[0].mask)

    var report = Report(seconds: work.seconds, evaluations: editor.model.unet.counter.total, about: inversion)
    report.output = files.output.path
    report.mask = files.mask?.path
    report.recipeFile = files.recipe?.path
    if sweep.isSheet { report.recipes = recipes } else { report.recipe = recipes[0] }
    try work.finish(report, summary(report, edits))
  }

  /// The edits that are asked for.
  private func sweep(over base: EditOptions, _ words: WordCheck) throws -> EditSweep {
    let sweep = EditSweep(
      try settings.options(over: base, source: words.source, target: words.target),
      crossWindows: settings.crossWindows(over: base), selfWindows: settings.selfWindows(over: base))
    guard !sweep.isSheet || saveMask == nil && saveRecipe == nil else {
      throw UsageError("--save-mask and --save-recipe are for one edit, and several windows were given.")
    }
    guard saveMask == nil || sweep.all[0].blend != nil else { throw UsageError("--save-mask needs --blend.") }
    return sweep
  }

  private func summary(_ report: Report, _ edits: [EditedImage]) -> String {
    var lines = [report.output, report.mask, report.recipeFile].compactMap(\.self)
    let count = edits.count == 1 ? "" : "\(edits.count) edits, "
    lines.append(
      "  \(count)\(report.evaluations?.forward ?? 0) evaluations forwards, \(Format.duration(report.seconds))"
    )
    return lines.joined(separator: "\n")
  }
}

/// The files that an edit writes, checked when this is made.
private struct EditFiles {
  let output: OutputFile
  var mask: OutputFile?
  var recipe: OutputFile?

  init(_ command: Edit) throws {
    let inputs = [command.inversion, command.settings.mask].compactMap(\.self)
    output = try .picture(
      command.output ?? command.inversion.replacingPathExtension(with: "edit.png"), sparing: inputs)
    if let path = command.saveMask { mask = try .picture(path, sparing: inputs + [output.path]) }
    if let path = command.saveRecipe { recipe = try OutputFile(path, sparing: inputs + [output.path]) }
  }

  func write(_ image: RGBImage, _ recipes: [EditRecipe], mask found: Tensor?) throws {
    let text = recipes.count == 1 ? try JSONText.line(recipes[0]) : try JSONText.line(recipes)
    try output.write(image, texts: [EditRecipe.textKey: text])
    if let recipe { try AtomicFile.write(Data((JSONText.indented(recipes[0]) + "\n").utf8), to: recipe.url) }
    if let mask, let found {
      try mask.write(Self.picture(of: found, width: image.width, height: image.height))
    }
  }

  /// A mask over the latent as a picture that `--mask` reads: white where the edit may change anything.
  private static func picture(of mask: Tensor, width: Int, height: Int) -> RGBImage {
    let (rows, columns) = (mask.shape[0], mask.shape[1])
    var picture = RGBImage(width: width, height: height)
    mask.withScalars { scalars in
      for y in 0..<height {
        for x in 0..<width {
          let value = scalars[y * rows / height * columns + x * columns / width]
          picture[x, y] = SIMD3(repeating: UInt8(max(0, min(1, value)) * 255))
        }
      }
    }
    return picture
  }
}
