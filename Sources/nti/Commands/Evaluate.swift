internal import ArgumentParser
internal import EditEvaluation
internal import Foundation
internal import NullTextInversion

/// Measures inversion methods on a benchmark of edits.
struct Evaluate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure inversion methods on a benchmark of edits in PIE-Bench's format.",
    discussion: """
      Inverts and edits each record of FOLDER/mapping_file.json, and writes its pictures and a small file of results to \
      the output folder. An interrupted run resumes when it is started again. Several runs can share the work on one \
      folder:

        nti evaluate PIE-Bench -o out --shard 3/16
        nti evaluate --merge out

      evaluation_result.csv has PIE-Bench's columns, and summary.json the means, of all methods in the folder. PIE-Bench's \
      evaluator finds the pictures in METHOD/annotation_images. The default settings are those of PIE-Bench's published \
      rows.
      """)

  @Argument(
    help: ArgumentHelp("The folder of the benchmark; with --merge, that of the results.", valueName: "folder")
  )
  var folder: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The folder for pictures and results (default: nti-evaluation).", valueName: "folder"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "The methods to measure, separated by commas: \(PublishedMethod.optionNames) (default: null-text).",
      valueName: "method"),
    transform: Self.methods)
  var method: [PublishedMethod] = [.nullText]

  @Option(help: ArgumentHelp("The name of the method in tables and folders.", valueName: "name"))
  var label: String?

  @Option(
    help: ArgumentHelp(
      """
      Keep the inversions in this folder, and reuse those made with the same settings, so that another recipe costs \
      only its edits.
      """, valueName: "folder"))
  var inversions: String?

  @OptionGroup var model: ModelOption
  @OptionGroup(title: "Inversion settings") var settings: InversionSettings

  @Option(help: ArgumentHelp("The guidance scale of edits (default: the inversion's).", valueName: "w"))
  var editGuidance: Double?

  @Option(
    help: ArgumentHelp("Edit with the options of a JSON recipe instead of PIE-Bench's.", valueName: "file"))
  var recipe: String?

  @Option(
    help: ArgumentHelp(
      "The source of edit settings: the kind of edit, as in `nti edit` (auto), or the method's publication (published).",
      valueName: "preset"))
  var preset = EditPreset.published

  @Flag(inversion: .prefixedNo, help: "Restrict each edit to the region of the record's blended words.")
  var blend = true

  @Option(
    help: ArgumentHelp("The factor for the attention to the blended word of the prompt.", valueName: "weight")
  )
  var emphasis: Float = 2

  @Option(help: ArgumentHelp("Use only the first n records.", valueName: "n"))
  var limit: Int?

  @Option(
    help: ArgumentHelp("Use only records of these kinds of edit, as in 1,8.", valueName: "numbers"),
    transform: { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } })
  var categories: [String]?

  @Option(
    help: ArgumentHelp(
      "Run only part i of n of the records, to distribute them over machines.", valueName: "i/n"),
    transform: EvaluationShard.init(parsing:))
  var shard: EvaluationShard?

  @Flag(help: "Only merge the results in FOLDER.")
  var merge = false

  @Option(
    help: ArgumentHelp(
      "Plot the cost of each method in the folder against the accuracy of its edits.", valueName: "file.svg"))
  var plot: String?

  @Flag(help: "Write pictures in PIE-Bench's layout: prompts, source, reconstruction and edit in a row.")
  var panels = false

  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var memory: MemoryOption
  @OptionGroup var work: WorkOptions

  func validate() throws {
    if plot != nil, shard != nil {
      throw ValidationError(
        "--plot needs all results and cannot be combined with --shard. Use it with --merge.")
    }
    try settings.check(for: method)
    if let limit, limit < 1 { throw ValidationError("--limit \(limit): must be at least 1.") }
    if merge, shard != nil || output != nil {
      throw ValidationError(
        "--merge merges the results in its folder and cannot be combined with --shard or --output.")
    }
    if label != nil, method.count > 1 {
      throw ValidationError("--label needs a single method, but several are given.")
    }
    if inversions != nil, method.count > 1 {
      throw ValidationError("--inversions needs a single method, but several are given.")
    }
    if preset == .auto, recipe != nil {
      throw ValidationError("--recipe and --preset auto are both given; give one of them.")
    }
    if method.isEmpty { throw ValidationError("--method is empty. Name a method.") }
    if categories?.isEmpty == true { throw ValidationError("--categories is empty. Name a category.") }
  }

  func run() async throws {
    let work = work.start()
    let plot = try self.plot.map { try OutputFile($0, overwrite) }
    let output = URL(fileURLWithPath: merge ? folder : self.output ?? "nti-evaluation", isDirectory: true)
    var outcomes: [(label: String, outcome: Evaluation.Outcome)] = []
    if !merge { outcomes = try await evaluate(into: output, work) }
    work.progress.end()

    var report = EvaluationReport(seconds: work.seconds, output: output.path)
    report.failed = outcomes.reduce(into: [:]) { failed, method in
      for failure in method.outcome.failures {
        failed["\(method.label)/\(failure.record.id)"] = failure.error.message
      }
    }
    if shard == nil {
      // The files cover all methods in the folder, the printed tables only those of this run.
      let all = try EvaluationTable(output)
      try all.write(to: output)
      try plot?.write(Data(all.paretoChart.utf8))
      let table = try EvaluationTable(output, labels: merge ? nil : outcomes.map(\.label))
      report.take(table)
      if !work.printsJSON { print(EvaluationText.tables(table), terminator: "") }
    } else if !work.printsJSON {
      let done = outcomes.reduce(0) { $0 + $1.outcome.results.count }
      print(
        "\(done) results of this shard are in \(output.path). Merge all shards with `nti evaluate --merge`.")
    }
    if work.printsJSON { print(try JSONText.line(report)) }
    try complain(report)
  }

  private func evaluate(
    into output: URL, _ work: Work
  ) async throws -> [(label: String, outcome: Evaluation.Outcome)] {
    let benchmark = try PIEBench(contentsOf: URL(fileURLWithPath: folder, isDirectory: true))
    let records = try benchmark.records(ofCategories: categories, limit: limit)
    for folder in [output.path, inversions].compactMap(\.self) { _ = try OutputFolder(checking: folder) }
    let edit = try recipe.map { try EditRecipe(contentsOf: $0).options }
    let chosen = try model.open()
    let inversions = method.map { settings.options($0) }
    let limits = try memory.limits(
      for: chosen.checkpoint, inverting: inversions.map(\.method), pictureSize: nil, remembersSource: true)
    let editor = try await chosen.load(work.progress, memory: limits)
    let evaluations = try zip(method, inversions).map { method, inversion in
      var options = EvaluationOptions(method)
      options.inversion = inversion
      options.edit = edit ?? options.edit
      if preset == .auto {
        options.recommendation = chosen.recommendation
        options.edit.guidance = nil
      }
      options.edit.guidance = editGuidance ?? options.edit.guidance
      options.blendsWords = blend
      options.emphasis = emphasis
      options.writesPanels = panels
      var evaluation = try UsageError.catching {
        try Evaluation(
          of: benchmark, editor: editor, options: options, output: output, label: label ?? method.label)
      }
      evaluation.inversions = self.inversions.map { URL(fileURLWithPath: $0, isDirectory: true) }
      return evaluation
    }
    var outcomes: [(label: String, outcome: Evaluation.Outcome)] = []
    for evaluation in evaluations {
      let log = EvaluationLog(label: evaluation.label, progress: work.progress, isQuiet: self.work.quiet)
      outcomes.append((evaluation.label, try await evaluation.run(records, shard: shard) { log.hear($0) }))
    }
    return outcomes
  }

  /// Throws an error if records failed or results are missing; the available results are written before.
  private func complain(_ report: EvaluationReport) throws {
    if !report.failed.isEmpty {
      let count = report.failed.count
      throw InputError(
        .malformed,
        "\(count) record\(count == 1 ? "" : "s") could not be evaluated: \(report.failed.keys.sorted().joined(separator: ", "))."
      )
    }
    let missing = report.missing.values.reduce(0) { $0 + $1.count }
    if missing > 0 {
      throw InputError(
        .malformed,
        "The table is not complete: \(missing) result\(missing == 1 ? " is" : "s are") missing. Run the rest, and merge "
          + "again.")
    }
  }

  @Sendable private static func methods(_ text: String) throws -> [PublishedMethod] {
    try text.split(separator: ",").map {
      try PublishedMethod(optionName: $0.trimmingCharacters(in: .whitespaces))
    }
  }
}
