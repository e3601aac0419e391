internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// Edits an inverted photo, or a photo directly, with a new prompt.
struct Edit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Edit an inverted photo, or a photo directly, with a new prompt.",
    usage:
      "nti edit <file.nti> --prompt <text> [<options>]\nnti edit <photo> --caption <text> --prompt <text> [<options>]",
    discussion: """
      The prompt is the caption with some words replaced, added or left out. Several windows separated by commas \
      (--cross-steps 0.4,0.8 --self-steps 0.2,0.5) make all combinations, on one labeled contact sheet. Several prompts \
      (--prompt … --prompt …) share the evaluations of the source, and make one numbered picture each. A photo is \
      inverted in memory first, by InfEdit unless --method names another method.

        nti edit fox.png.nti --prompt "a cat next to a strawberry on sand"
        nti edit fox.png.nti --prompt "a fox on sand"
        nti edit fox.png --caption "a fox next to a strawberry on sand" --prompt "a cat next to a strawberry on sand"
        nti edit cat.jpg.nti --prompt "a tiger next to a mirror" \\
          --model CompVis/stable-diffusion-v1-4 --blend cat,tiger
      """)

  /// The most common options.
  struct Common: ParsableArguments {
    @Option(
      help: ArgumentHelp("The new prompt, unless a recipe has one. Repeatable.", valueName: "text"))
    var prompt: [String] = []

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "The picture to write (default: the inversion's name with .edit.png).", valueName: "file"))
    var output: String?

    @OptionGroup var model: ModelOption

    @Option(
      help: ArgumentHelp(
        "The source of settings that are not given: the kind of edit and the model's recommendations (auto), or the "
          + "publication (published).", valueName: "preset"))
    var preset = EditPreset.auto

    @Option(
      help: ArgumentHelp(
        "Make n edits, with different seeds (InfEdit and other methods with independent noise) or windows, and write them by "
          + "descending score, with a contact sheet.", valueName: "n"))
    var variants: Int?

    @Option(
      help: ArgumentHelp(
        "Start from the options in a JSON recipe, or in a picture that an edit wrote.", valueName: "file"))
    var recipe: String?
  }

  /// Additional files.
  struct Files: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Paste the change into this photo, which must be the inverted one, and write it at the photo's size.",
        valueName: "photo"))
    var pasteBack: String?

    @Option(
      help: ArgumentHelp("Write the prompt and options of this edit as a recipe.", valueName: "file.json"))
    var saveRecipe: String?

    @Option(help: ArgumentHelp("Write the region in which --blend allowed changes.", valueName: "file.png"))
    var saveMask: String?

    @Option(
      help: ArgumentHelp(
        "Write the edit as an inversion with the prompt as its caption, for further edits.",
        valueName: "file.nti"))
    var saveInversion: String?
  }

  @Argument(help: ArgumentHelp("An inversion, or a photo with --caption.", valueName: "file"))
  var source: String

  @OptionGroup(title: "Common options") var common: Common
  @OptionGroup(title: "Options for a photo") var photo: PhotoOptions
  @OptionGroup var settings: EditSettings
  @OptionGroup(title: "Additional files") var further: Files
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var memory: MemoryOption
  @OptionGroup var work: WorkOptions

  func validate() throws {
    guard !common.prompt.isEmpty || common.recipe != nil else {
      throw ValidationError("There is no prompt. Describe the edited picture with --prompt.")
    }
    for prompt in common.prompt { try Self.check(prompt) }
    if let variants = common.variants {
      guard (1...100).contains(variants) else {
        throw ValidationError("--variants \(variants): must be between 1 and 100.")
      }
      guard common.prompt.count <= 1 else {
        throw ValidationError(
          "--variants allows one prompt only, but \(common.prompt.count) are given.")
      }
    }
  }

  private static func check(_ prompt: String) throws {
    guard prompt.contains(where: { !$0.isWhitespace }) else {
      throw ValidationError("The prompt is empty. Describe the edited picture.")
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
      throw UsageError(
        "There is no prompt, neither in the recipe nor by --prompt. Describe the edited picture with --prompt."
      )
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
        // Given prompt-to-prompt options select that control, even if the kind of edit suggests another.
        if common.recipe == nil, settings.setsWords, base.promptToPrompt == nil {
          base.promptToPrompt = recommended.editOptions.promptToPrompt
        }
        // The recipe states the guidance scale that is used.
        base.guidance = base.guidance ?? arguments.options.guidance
        let sweep = try self.sweep(over: base, recommended, words)
        for options in sweep.all { try words.check(options, steps: arguments.options.steps) }
        return sweep
      })

    // Only contact sheets and variants read the source's attention more than once.
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

  /// Returns the edits of all prompts, for one set of options after another.
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

  /// Returns the sweep that all prompts share; they are edited in one pass.
  ///
  /// - Throws: `UsageError` if the prompts have different options, or if several prompts are combined with several windows
  ///   or with files of a single edit.
  private func oneSweep(_ sweeps: [EditSweep]) throws -> EditSweep {
    guard sweeps.count > 1 else { return sweeps[0] }
    guard !sweeps.contains(where: \.isSheet) else {
      throw UsageError(
        "Several prompts cannot be combined with several windows. Give one prompt, or one window of each kind."
      )
    }
    try checkSaving("prompts")
    guard sweeps.allSatisfy({ $0.all == sweeps[0].all }) else {
      throw UsageError(
        "A word of --blend-subtract is in only some of the prompts. Give the words of caption and prompt, as in cat,dog."
      )
    }
    return sweeps[0]
  }

  /// Returns the edits for one prompt.
  ///
  /// - Throws: `UsageError` for options that cannot be combined; `InputError` for a mask or words that cannot be used.
  private func sweep(
    over base: EditOptions, _ recommended: EditingRecommendation, _ words: WordCheck
  ) throws -> EditSweep {
    let sweep = EditSweep(
      try settings.options(over: base, recommended: recommended, source: words.source, target: words.target),
      crossWindows: settings.crossWindows(over: base), selfWindows: settings.selfWindows(over: base))
    if sweep.isSheet {
      try checkSaving("windows")
      guard further.pasteBack == nil else {
        throw UsageError("--paste-back cannot be combined with several windows, which make a contact sheet.")
      }
    }
    guard common.variants == nil || !sweep.isSheet else {
      throw UsageError("--variants cannot be combined with several windows. Give one of them.")
    }
    guard further.saveMask == nil || sweep.all[0].blend != nil else {
      throw UsageError("--save-mask needs --blend.")
    }
    return sweep
  }

  private func checkSaving(_ what: String) throws {
    guard further.saveMask == nil, further.saveRecipe == nil, further.saveInversion == nil else {
      throw UsageError(
        "--save-mask, --save-recipe and --save-inversion need a single edit, but several \(what) are given.")
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
      "  \(count)\(report.evaluations?.forward ?? 0) forward evaluations, \(Format.duration(report.seconds))"
    )
    if edits.count == 1 { lines.append("  \(edits[0].options.summary)") }
    return lines.joined(separator: "\n")
  }
}

extension EditOptions {
  /// The main options, as in "guidance 3, cross-steps 0.8, self-steps 0.4".
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
  /// Returns the options for prompts that are edited together: those by the kind of edit if they agree for all prompts,
  /// otherwise the general ones.
  fileprivate func editOptions(from caption: String, to prompts: [String]) -> EditOptions {
    let options = Set(prompts.map { editOptions(from: caption, to: $0) })
    return options.count == 1 ? options.first ?? editOptions : editOptions
  }
}
