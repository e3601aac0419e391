internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// Edits an inverted photo by walking its path with another prompt.
struct Edit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Edit an inverted photo with a new prompt.",
    usage:
      "nti edit <file.nti> --prompt <text> [<options>]\nnti edit <photo> --caption <text> --prompt <text> [<options>]",
    discussion: """
      Write the caption again with other words, or with words added or left out. Several windows with commas between \
      (--cross-steps 0.4,0.8 --self-steps 0.2,0.5) make all combinations, on one labelled contact sheet. Several prompts \
      (--prompt … --prompt …) are edited together, which costs less, and make a picture each, numbered. A photo that has not \
      been inverted is edited at once, by InfEdit unless --method says otherwise.

        nti edit fox.png.nti --prompt "a cat next to a strawberry on sand"
        nti edit fox.png.nti --prompt "a fox on sand"
        nti edit fox.png --caption "a fox next to a strawberry on sand" --prompt "a cat next to a strawberry on sand"
        nti edit cat.jpg.nti --prompt "a tiger next to a mirror" \\
          --model CompVis/stable-diffusion-v1-4 --blend cat,tiger
      """)

  /// What most calls give.
  struct Common: ParsableArguments {
    @Option(
      help: ArgumentHelp("The new prompt; a recipe may give it instead. Repeatable.", valueName: "text"))
    var prompt: [String] = []

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "The picture to write (default: the inversion's name with .edit.png).", valueName: "file"))
    var output: String?

    @OptionGroup var model: ModelOption

    @Option(
      help: ArgumentHelp(
        "Where settings come from that are not given: the kind of edit and the model's recommendations (auto), or the "
          + "publication (published).", valueName: "preset"))
    var preset = EditPreset.auto

    @Option(
      help: ArgumentHelp(
        "Make so many edits, of other seeds (InfEdit and other paths of noise) or windows, and write those first that keep to "
          + "their words best, with a contact sheet.", valueName: "n"))
    var variants: Int?

    @Option(
      help: ArgumentHelp(
        "Start from the options of a JSON recipe, or of a picture that an edit wrote.", valueName: "file"))
    var recipe: String?
  }

  /// Further files.
  struct Files: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Lay what changed over this photo, the one that was inverted, and write it at its own size.",
        valueName: "photo"))
    var pasteBack: String?

    @Option(help: ArgumentHelp("Write the options of this edit as a recipe.", valueName: "file.json"))
    var saveRecipe: String?

    @Option(help: ArgumentHelp("Write where --blend let the picture change.", valueName: "file.png"))
    var saveMask: String?

    @Option(
      help: ArgumentHelp(
        "Write the edit as an inversion with the prompt as its caption, to be edited in turn.",
        valueName: "file.nti"))
    var saveInversion: String?
  }

  @Argument(help: ArgumentHelp("An inversion, or a photo with --caption.", valueName: "file"))
  var source: String

  @OptionGroup(title: "Common options") var common: Common
  @OptionGroup(title: "Of a photo that has not been inverted") var photo: PhotoOptions
  @OptionGroup var settings: EditSettings
  @OptionGroup(title: "Further files") var further: Files
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var memory: MemoryOption
  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard !common.prompt.isEmpty || common.recipe != nil else {
      throw ValidationError("There is no prompt; say with --prompt what the picture is to show.")
    }
    for prompt in common.prompt { try Self.check(prompt) }
    if let variants = common.variants {
      guard (1...100).contains(variants) else {
        throw ValidationError("--variants \(variants): ask for 1 to 100.")
      }
      guard common.prompt.count <= 1 else {
        throw ValidationError(
          "--variants makes several edits with one prompt, and \(common.prompt.count) are given.")
      }
    }
  }

  private static func check(_ prompt: String) throws {
    guard prompt.contains(where: { !$0.isWhitespace }) else {
      throw ValidationError("The prompt is empty; say what the picture is to show.")
    }
  }

  func run() async throws {
    let work = work.start()
    let chosen = try common.model.open()
    let isSuggested = common.preset == .auto
    let recommended = isSuggested ? chosen.recommendation : EditingRecommendation()
    let base = try common.recipe.map { try EditRecipe(contentsOf: $0, over: recommended.editOptions) }
    let prompts = common.prompt.isEmpty ? [base?.prompt].compactMap(\.self) : common.prompt
    guard !prompts.isEmpty else {
      throw UsageError("Neither --prompt nor the recipe says what the picture is to show.")
    }
    for prompt in prompts { try Self.check(prompt) }
    let source = try EditSource(self.source, photo, chosen)
    let arguments = source.arguments
    let files = try EditFiles(self, of: arguments, prompts)
    try chosen.checkSparesPhoto(files.pictures, of: arguments, overwrite)
    let photo = try further.pasteBack.map { try source.photo($0, chosen) }
    let caption = PromptWords(try chosen.check(arguments.caption, as: "caption"))
    let sweep = try oneSweep(
      prompts.map { prompt in
        let words = WordCheck(
          source: caption, target: PromptWords(try chosen.check(prompt, as: "prompt")),
          textLength: chosen.tokenizer.maximumLength)
        var base =
          base?.options
          ?? (isSuggested ? recommended.editOptions(from: arguments.caption, to: prompts) : EditOptions())
        // Windows that are given ask for attention by words, whatever suits the kind of edit.
        if common.recipe == nil, settings.setsWords, base.promptToPrompt == nil {
          base.promptToPrompt = recommended.editOptions.promptToPrompt
        }
        // So that the recipe says what was used.
        base.guidance = base.guidance ?? arguments.options.guidance
        let sweep = try self.sweep(over: base, recommended, words)
        for options in sweep.all { try words.check(options, steps: arguments.options.steps) }
        return sweep
      })

    // Only the edits of a sheet read the source's attention a second time.
    let limits = try memory.limits(
      for: chosen.checkpoint, inverting: source.methods, editing: sweep.all[0],
      pictureSize: arguments.pictureSize,
      remembersSource: sweep.isSheet || common.variants != nil)
    let editor = try await chosen.load(work.progress, memory: limits)
    let inverted = try await source.inverted(by: editor, on: work.progress)
    var edits: [EditedImage] = []
    var scores: [EditScore] = []
    if let count = common.variants {
      let ranked = try await inverted.variants(
        count, prompt: prompts[0], options: sweep.all[0], progress: work.progress.handler)
      (edits, scores) = (ranked.map(\.edited), ranked.map(\.score))
      try files.sheet?.write(VariantSheet(ranked, original: try await inverted.reconstruction()).rendered())
    } else {
      edits = try await self.edits(prompts, sweep, inverted, work)
    }
    let recipes = edits.map { EditRecipe(prompt: $0.prompt, options: $0.options) }
    if sweep.isSheet {
      let original = try await inverted.reconstruction()
      let sheet = sweep.sheet(of: edits.map(\.image), source: original, title: prompts[0])
      try files.write(sheet: sheet, recipes)
    } else {
      var pictures = edits.map(\.image)
      if let photo {
        work.progress.begin("pasting into the photo")
        for (index, edit) in edits.enumerated() { pictures[index] = try await edit.pasted(into: photo) }
      }
      try files.write(pictures, recipes, edits[0])
    }

    var report = Report(
      seconds: work.seconds, evaluations: editor.model.counter.total, about: inverted.inversion)
    if files.outputs.count == 1 {
      report.output = files.outputs[0].path
    } else {
      report.pictures = files.outputs.map(\.path)
    }
    report.mask = files.mask?.path
    report.recipeFile = files.recipe?.path
    report.inversion = files.inversion?.path
    if edits.count == 1 { report.recipe = recipes[0] } else { report.recipes = recipes }
    report.scores = scores.isEmpty ? nil : scores
    report.sheet = files.sheet?.path
    try work.finish(report, summary(report, edits))
  }

  /// The edits of all prompts, with one set of options after the other.
  private func edits(
    _ prompts: [String], _ sweep: EditSweep, _ inverted: InvertedImage, _ work: Work
  ) async throws -> [EditedImage] {
    var edits: [EditedImage] = []
    for (index, options) in sweep.all.enumerated() {
      work.progress.begin(sweep.isSheet ? "edit \(index + 1) of \(sweep.all.count)" : "")
      edits += try await inverted.edit(
        prompts: prompts, options: options,
        progress: work.progress.handler(before: CommandRest(calls: sweep.all.count - index - 1)))
    }
    return edits
  }

  /// The edits of all prompts, if they are the same: one walk then serves them all.
  private func oneSweep(_ sweeps: [EditSweep]) throws -> EditSweep {
    guard sweeps.count > 1 else { return sweeps[0] }
    guard !sweeps.contains(where: \.isSheet) else {
      throw UsageError("Several prompts and several windows are given; give one of either.")
    }
    try checkSaving("prompts")
    guard sweeps.allSatisfy({ $0.all == sweeps[0].all }) else {
      throw UsageError(
        "A word of --blend-subtract is in some of the prompts only; say which are meant with a comma, as in cat,dog."
      )
    }
    return sweeps[0]
  }

  /// The edits that are asked for.
  private func sweep(
    over base: EditOptions, _ recommended: EditingRecommendation, _ words: WordCheck
  ) throws -> EditSweep {
    let sweep = EditSweep(
      try settings.options(over: base, recommended: recommended, source: words.source, target: words.target),
      crossWindows: settings.crossWindows(over: base), selfWindows: settings.selfWindows(over: base))
    if sweep.isSheet {
      try checkSaving("windows")
      guard further.pasteBack == nil else {
        throw UsageError("--paste-back is for single edits, and several windows make a contact sheet.")
      }
    }
    guard common.variants == nil || !sweep.isSheet else {
      throw UsageError("Several windows and --variants are given; give one of them.")
    }
    guard further.saveMask == nil || sweep.all[0].blend != nil else {
      throw UsageError("--save-mask needs --blend.")
    }
    return sweep
  }

  private func checkSaving(_ what: String) throws {
    guard further.saveMask == nil, further.saveRecipe == nil, further.saveInversion == nil else {
      throw UsageError(
        "--save-mask, --save-recipe and --save-inversion are for one edit, and several \(what) were given.")
    }
  }

  private func summary(_ report: Report, _ edits: [EditedImage]) -> String {
    var lines =
      ([report.output] + (report.pictures ?? []) + [
        report.sheet, report.mask, report.recipeFile, report.inversion,
      ])
      .compactMap(
        \.self)
    let count = edits.count == 1 ? "" : "\(edits.count) edits, "
    lines.append(
      "  \(count)\(report.evaluations?.forward ?? 0) evaluations forwards, \(Format.duration(report.seconds))"
    )
    if edits.count == 1 { lines.append("  \(edits[0].options.summary)") }
    return lines.joined(separator: "\n")
  }
}

extension EditOptions {
  /// As in "guidance 3, cross-steps 0.8, self-steps 0.4".
  fileprivate var summary: String {
    var parts = [guidance.map { "guidance \(Format.short($0))" } ?? ""]
    if let words = promptToPrompt {
      parts += ["cross-steps \(words.crossSteps)", "self-steps \(words.selfSteps)"]
    } else {
      parts.append("control \(control.name.rawValue)")
    }
    return parts.filter { !$0.isEmpty }.joined(separator: ", ")
  }
}

extension EditingRecommendation {
  /// The options for prompts that are edited together: those of a removal only if all are removals.
  fileprivate func editOptions(from caption: String, to prompts: [String]) -> EditOptions {
    let options = Set(prompts.map { editOptions(from: caption, to: $0) })
    return options.count == 1 ? options.first ?? editOptions : editOptions
  }
}
