import Foundation
import Tensor
import TestSupport
import Testing

@testable import EditEvaluation

@Suite("Evaluation", .serialized) struct EvaluationRunTests {
  /// One step without inner iterations, on a tiny model: the metrics have no meaning, but every file is written.
  private static let options: EvaluationOptions = {
    var options = EvaluationOptions()
    options.inversion.steps = 1
    options.inversion.nullText?.innerSteps = 0
    return options
  }()

  private static let loading = Task {
    try await ImageEditor(model: .directory(Fixtures.url("models/plain-first")))
  }

  private func editor() async throws -> ImageEditor { try await Self.loading.value }

  private func bytes(_ url: URL) throws -> Data { try Data(contentsOf: url) }

  @Test(
    "the updates of a run are its events, with the outcome last; leaving the loop cancels the run")
  func updates() async throws {
    let bench = try EvaluationBench(records: ["a": [:], "b": ["image_path": "missing.jpg"], "c": [:]])
    let evaluation = try await Evaluation(
      of: bench.benchmark(), editor: editor(), options: Self.options, output: bench.output)
    var (events, outcome): ([String], Evaluation.Outcome?) = ([], nil)
    for try await update in evaluation.updates() {
      #expect(outcome == nil)
      switch update {
      case .event(.began(let record, let position, let count)):
        events.append("began \(record.id) \(position)/\(count)")
      case .event(.finished(let result, let isNew)): events.append("finished \(result.id) \(isNew)")
      case .event(.failed(let record, _)): events.append("failed \(record.id)")
      case .event(.progress): break
      case .finished(let result): outcome = result
      }
    }
    #expect(
      events == [
        "began a 1/3", "finished a true", "began b 2/3", "failed b", "began c 3/3", "finished c true",
      ])
    #expect(outcome?.results.map(\.id) == ["a", "c"] && outcome?.failures.map(\.record.id) == ["b"])
    #expect(try await evaluation.run().results == outcome?.results)

    let other = try await Evaluation(
      of: bench.benchmark(), editor: editor(), options: Self.options, output: bench.output, label: "other")
    for try await update in other.updates() {
      if case .event(.began) = update { break }
    }
  }

  @Test("results with the settings of an older version can be merged into a table")
  func older() async throws {
    let bench = try EvaluationBench(records: ["a": [:]])
    let evaluation = try await Evaluation(
      of: bench.benchmark(), editor: editor(), options: Self.options, output: bench.output)
    let results = try await evaluation.run().results
    let folder = bench.output.appending(path: evaluation.label)
    // The same settings in format 1, with a setting of another method, and a result with their fingerprint.
    let settings = folder.appending(path: "settings.json")
    var json = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: settings)) as? [String: Any])
    json["format"] = 1
    var options = try #require(json["options"] as? [String: Any])
    var inversion = try #require(options["inversion"] as? [String: Any])
    inversion["interpolation"] = 0
    options["inversion"] = inversion
    json["options"] = options
    let written = try JSONSerialization.data(withJSONObject: json, options: [.sortedKeys, .prettyPrinted])
    try written.write(to: settings)
    var result = results[0]
    result.settingsFingerprint = EvaluationSettings.fingerprint(of: written)
    try ResultJSON.data(of: result).write(to: folder.appending(path: "results/a.json"))
    let table = try EvaluationTable(bench.output)
    #expect(table.methods[0].results == [result] && table.isComplete)
    // Resuming with these settings fails with the differences.
    let error = await #expect(throws: InputError.self) { try await evaluation.run() }
    #expect(error?.kind == .mismatch && error?.message.contains("format (1, now 2)") == true)
  }

  @Test("a run resumes an earlier one, and finished records are not computed again")
  func resuming() async throws {
    let bench = try EvaluationBench(records: [
      "a": [:], "b": ["blended_word": ""], "c": ["editing_prompt": "a cat"],
    ])
    let editor = try await editor()
    let evaluation = try Evaluation(
      of: bench.benchmark(), editor: editor, options: Self.options, output: bench.output)
    let first = try await evaluation.run(Array(bench.benchmark().records.prefix(2)))
    #expect(first.results.map(\.id) == ["a", "b"] && first.failures.isEmpty)
    #expect(first.results[0].inversion.forward > 0 && first.results[0].edit.forward > 0)

    let before = editor.model.counter.total
    let log = Lock<[String]>([])
    let second = try await evaluation.run { event in
      if case .finished(let result, let isNew) = event { log.withLock { $0.append("\(result.id) \(isNew)") } }
    }
    #expect(log.withLock { $0 } == ["a false", "b false", "c true"])
    #expect(Array(second.results.prefix(2)) == first.results)
    let spent = editor.model.counter.total - before
    #expect(spent == second.results[2].inversion + second.results[2].edit)
    // The blended word of "c" is not in its prompt, which the result notes.
    #expect(second.results.map(\.notes.count) == [0, 0, 1])

    // A result is invalid without its pictures, or if the record changed.
    let picture = bench.output.appending(path: "\(evaluation.label)/annotation_images/a.png")
    let edit = try bytes(picture)
    try FileManager.default.removeItem(at: picture)
    try EvaluationBench.picture(seed: 9, width: 24, height: 16)
      .write(to: bench.folder.appending(path: "annotation_images/b.png"))
    log.withLock { $0 = [] }
    _ = try await evaluation.run { event in
      if case .finished(let result, let isNew) = event { log.withLock { $0.append("\(result.id) \(isNew)") } }
    }
    #expect(log.withLock { $0 } == ["a true", "b true", "c false"])
    #expect(try bytes(picture) == edit)
  }

  @Test("kept inversions are reused by runs with other edits, but not with other inversion settings")
  func keptInversions() async throws {
    let bench = try EvaluationBench(records: ["a": [:], "b": [:]])
    let editor = try await editor()
    func run(
      _ label: String, _ change: (inout EvaluationOptions) -> Void = { _ in }
    ) async throws -> [EvaluationResult] {
      var options = Self.options
      change(&options)
      var evaluation = try Evaluation(
        of: bench.benchmark(), editor: editor, options: options, output: bench.output, label: label)
      evaluation.inversions = bench.output.appending(path: "kept/inversions")
      let outcome = try await evaluation.run()
      #expect(outcome.failures.isEmpty)
      return outcome.results
    }
    let first = try await run("first")
    let again = try await run("again")
    #expect(first.allSatisfy { $0.inversion.forward > 0 } && again.allSatisfy { $0.inversion.forward == 0 })
    let metrics: [EvaluationMetric] = [.psnrOutside, .ssimOutside, .reconstructionPSNR]
    for (first, again) in zip(first, again) {
      for metric in metrics { #expect(first.metrics[metric] == again.metrics[metric]) }
    }
    #expect(try await run("edit") { $0.edit.guidance = 2 }.allSatisfy { $0.inversion.forward == 0 })
    #expect(try await run("other") { $0.inversion.guidance = 2 }.allSatisfy { $0.inversion.forward > 0 })
  }

  @Test("failed records are reported, and the others are evaluated")
  func failing() async throws {
    let bench = try EvaluationBench(records: [
      "gone": [:], "bad": ["mask": [1]], "long": ["editing_prompt": String(repeating: "cat ", count: 100)],
      "unanswered": ["answer": "answers/none.png"], "good": [:],
    ])
    try FileManager.default.removeItem(at: bench.folder.appending(path: "annotation_images/gone.png"))
    let evaluation = try Evaluation(
      of: bench.benchmark(), editor: await editor(), options: Self.options, output: bench.output)
    let outcome = try await evaluation.run()
    #expect(outcome.results.map(\.id) == ["good"])
    #expect(outcome.failures.map(\.record.id) == ["gone", "bad", "long", "unanswered"])
    #expect(outcome.failures.first?.error.kind == .missing)
    let table = try EvaluationTable(bench.output)
    #expect(table.methods[0].missing == ["gone", "bad", "long", "unanswered"] && !table.isComplete)
  }

  @Test("a folder with results of other settings is rejected with the differences")
  func otherSettings() async throws {
    let bench = try EvaluationBench(records: ["a": [:]])
    let editor = try await editor()
    _ = try await Evaluation(
      of: bench.benchmark(), editor: editor, options: Self.options, output: bench.output
    ).run()
    var options = Self.options
    options.inversion.steps = 3
    options.edit.guidance = 2
    let changed = try Evaluation(
      of: bench.benchmark(), editor: editor, options: options, output: bench.output)
    let error = await #expect(throws: InputError.self) { try await changed.run() }
    #expect(error?.kind == .mismatch)
    #expect(error?.message.contains("options.inversion.steps (1, now 3)") == true)
    #expect(error?.message.contains("options.edit.guidance (not set, now 2)") == true)
    // Another label has another folder.
    let other = try Evaluation(
      of: bench.benchmark(), editor: editor, options: options, output: bench.output, label: "three steps")
    #expect(try await other.run().results.count == 1)
    #expect(
      try EvaluationTable(bench.output).methods.map(\.label) == ["null-text-inversion+p2p", "three steps"])
  }

  @Test("shards give the table of a single run")
  func shards() async throws {
    let names = ["d", "a", "c"]
    let bench = try EvaluationBench(records: ["d": [:], "a": ["editing_type_id": "2"], "c": [:]])
    let editor = try await editor()
    let benchmark = try bench.benchmark()
    let whole = bench.output.appending(path: "whole")
    let parts = bench.output.appending(path: "parts")
    _ = try await Evaluation(of: benchmark, editor: editor, options: Self.options, output: whole).run()
    let sharded = try Evaluation(of: benchmark, editor: editor, options: Self.options, output: parts)
    #expect(try await sharded.run(shard: EvaluationShard(2, of: 2)).results.map(\.id) == ["a"])
    #expect(try EvaluationTable(parts).methods[0].missing == ["d", "c"])
    _ = try await sharded.run(shard: EvaluationShard(1, of: 2))

    let tables = try [whole, parts].map { try EvaluationTable($0) }
    #expect(tables[0].isComplete && tables[1].isComplete)
    #expect(tables.map { $0.methods[0].results.map(\.id) } == [names, names])
    func numbers(_ table: EvaluationTable) -> [[EvaluationMetric: Double]] {
      table.methods[0].results.map { $0.metrics.filter { $0.key != .seconds } }
    }
    #expect(numbers(tables[0]) == numbers(tables[1]))
    for name in names {
      let path = "null-text-inversion+p2p/annotation_images/\(name).png"
      #expect(try bytes(whole.appending(path: path)) == bytes(parts.appending(path: path)))
    }
  }

  @Test("pictures are lossless under the benchmark's names, with panels if requested")
  func pictures() async throws {
    let bench = try EvaluationBench(records: ["a": [:]])
    var fields = try String(contentsOf: bench.folder.appending(path: "mapping_file.json"), encoding: .utf8)
    fields = fields.replacing("a.png", with: "0_random\\/1\\/a.jpg")
    let place = bench.folder.appending(path: "annotation_images/0_random/1")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    try FileManager.default.moveItem(
      at: bench.folder.appending(path: "annotation_images/a.png"), to: place.appending(path: "a.jpg"))
    try bench.write(fields, to: "mapping_file.json")
    var options = Self.options
    let editor = try await editor()
    let size = editor.model.pictureSize
    for isRow in [false, true] {
      options.writesPanels = isRow
      let evaluation = try Evaluation(
        of: bench.benchmark(), editor: editor, options: options, output: bench.output,
        label: "panels \(isRow)")
      #expect(try await evaluation.run().failures.isEmpty)
    }
    let plain = try RGBImage(
      contentsOf: bench.output.appending(path: "panels false/annotation_images/0_random/1/a.jpg"))
    let row = try RGBImage(
      contentsOf: bench.output.appending(path: "panels true/annotation_images/0_random/1/a.jpg"))
    let reconstruction = try RGBImage(
      contentsOf: bench.output.appending(path: "panels true/reconstructions/0_random/1/a.jpg"))
    #expect((plain.width, plain.height) == (size.width, size.height))
    func panel(_ index: Int) throws -> RGBImage {
      try row.cropped(to: PixelRect(x: index * size.width, y: 0, width: size.width, height: size.height))
    }
    #expect(try panel(3) == plain && panel(2) == reconstruction)
  }

  @Test(
    "labels that cannot name a folder and columns are rejected",
    arguments: ["", ".x", "a/b", "a|b", "a,b", "a\"b"])
  func labels(_ label: String) async throws {
    let bench = try EvaluationBench(records: [:])
    let editor = try await editor()
    #expect(throws: InputError.self) {
      try Evaluation(of: bench.benchmark(), editor: editor, output: bench.output, label: label)
    }
  }

  @Test("the default settings are PIE-Bench's published ones")
  func published() throws {
    let options = EvaluationOptions()
    #expect(options.inversion == InversionOptions() && options.inversion.guidance == 7.5)
    let words = try #require(options.edit.promptToPrompt)
    #expect(words.controller == .refine && words.crossSteps == 0.4 && words.selfSteps == 0.6)
    let labels = [InversionMethod.nullText(), .negativePrompt(), .direct, .ddim].map { method in
      var options = options
      options.inversion.method = method
      return options.label
    }
    #expect(
      labels == [
        "null-text-inversion+p2p", "negative-prompt-inversion+p2p", "directinversion+p2p", "ddim+p2p",
      ])
  }

  @Test("blended words are blended and emphasized unless that is disabled")
  func words() throws {
    let bench = try EvaluationBench(records: [
      "both": [:], "target": ["blended_word": " dog"], "none": ["blended_word": ""],
      "strange": ["blended_word": "fox lion"],
    ])
    let tokenizer = try CLIPTokenizer(Checkpoint(Fixtures.url("models/plain-first")))
    let records = try bench.benchmark().records
    func edit(_ index: Int, _ change: (inout EvaluationOptions) -> Void = { _ in }) throws -> (
      EditOptions, notes: [String]
    ) {
      var options = EvaluationOptions()
      change(&options)
      let record = records[index]
      return options.edit(
        record, caption: PromptWords(try tokenizer.encode(record.originalPrompt)),
        prompt: PromptWords(try tokenizer.encode(record.editingPrompt)))
    }
    #expect(
      try edit(0).0.blend == LocalBlend("cat", "dog")
        && edit(0).0.promptToPrompt?.emphasis == [Emphasis("dog", 2)])
    #expect(try edit(1).0.blend == LocalBlend(LocalBlend.Words(target: ["dog"])))
    #expect(try edit(2).0 == EditOptions.pieBench && edit(2).notes.isEmpty)
    #expect(try edit(3).0 == EditOptions.pieBench && edit(3).notes.count == 2)
    #expect(try edit(0) { $0.blendsWords = false }.0.blend == nil)
    #expect(try edit(0) { $0.emphasis = 1 }.0.promptToPrompt?.emphasis.isEmpty == true)
    let own = LocalBlend("mat", "mat")
    #expect(try edit(0) { $0.edit.blend = own }.0.blend == own)
    #expect(try edit(0) { $0.edit.control = .none }.0.promptToPrompt == nil)
  }
}

@Suite("Evaluation table") struct EvaluationTableTests {
  private func result(_ id: String, _ index: Int, _ category: String, _ psnr: Double?) -> EvaluationResult {
    var metrics: [EvaluationMetric: Double] = [.mseOutside: 0.25]
    metrics[.psnrOutside] = psnr
    return EvaluationResult(
      id: id, index: index, category: category, recordFingerprint: "r", settingsFingerprint: "",
      metrics: metrics,
      innerSteps: 3, inversion: EvaluationCount(forward: 2), edit: EvaluationCount(), inversionSeconds: 1,
      editSeconds: 2, notes: [], environment: .current)
  }

  private func write(_ results: [EvaluationResult], label: String, to folder: URL, plan: [String]) throws {
    let store = EvaluationStore(folder: folder.appending(path: label))
    let settings = EvaluationSettings(modelFingerprint: "m", options: EvaluationOptions())
    try store.open(settings, plan: plan)
    for var result in results {
      result.settingsFingerprint = try settings.fingerprint
      try store.write(result)
    }
  }

  @Test("the table has PIE-Bench's header, the benchmark's order, and nan for missing values")
  func csv() throws {
    let bench = try EvaluationBench(records: [:])
    try write(
      [result("b", 0, "1", 20), result("a", 1, "8", nil), result("c", 2, "1", .infinity)], label: "x+p2p",
      to: bench.output, plan: ["b", "a", "c"])
    try write([result("a", 1, "8", 12.5)], label: "y", to: bench.output, plan: ["b", "a"])
    let table = try EvaluationTable(bench.output)
    let rows = table.csv.components(separatedBy: "\r\n").map { $0.components(separatedBy: ",") }
    #expect(rows.map(\.first) == ["file_id", "b", "a", "c", ""])
    #expect(
      rows[0].prefix(4) == [
        "file_id", "x+p2p|psnr_unedit_part", "x+p2p|mse_unedit_part", "x+p2p|ssim_unedit_part",
      ])
    let count = EvaluationMetric.allCases.count
    #expect(rows.dropLast().allSatisfy { $0.count == 1 + 2 * count })
    #expect(rows[1...3].map { $0[1] } == ["20.0", "nan", "inf"])
    #expect(rows[1...3].map { $0[1 + count] } == ["nan", "12.5", "nan"])
    #expect(table.methods[0].mean(of: .psnrOutside, category: "1") == .infinity)
    #expect(table.methods[0].mean(of: .psnrOutside, category: "8") == nil)
    #expect(table.methods[1].mean(of: .psnrOutside) == 12.5 && table.methods[1].missing == ["b"])

    try table.write(to: bench.output)
    let data = try Data(contentsOf: bench.output.appending(path: EvaluationTable.summaryName))
    let summary = try ResultJSON.decode(EvaluationSummary.self, from: data)
    #expect(summary == EvaluationSummary(table))
    let method = try #require(summary.methods["x+p2p"])
    #expect(method.all.records == 3 && method.categories["1"]?.records == 2)
    #expect(
      method.categories["8"]?.name == "change background"
        && method.categories["8"]?.metrics[.psnrOutside] == nil)
    #expect(method.environments == [.current])
  }

  @Test("means leave out missing values")
  func means() throws {
    let bench = try EvaluationBench(records: [:])
    try write(
      [result("a", 0, "1", 20), result("b", 1, "1", nil), result("c", 2, "2", 23)], label: "x",
      to: bench.output,
      plan: ["a", "b", "c"])
    let method = try EvaluationTable(bench.output).methods[0]
    #expect(method.mean(of: .psnrOutside) == 21.5 && method.mean(of: .mseOutside) == 0.25)
    #expect(method.mean(of: .psnrOutside, category: "1") == 20 && method.categories == ["1", "2"])
  }

  @Test("damaged and foreign results, and a folder without results, are rejected")
  func refused() throws {
    let bench = try EvaluationBench(records: [:])
    #expect(#expect(throws: InputError.self) { try EvaluationTable(bench.output) }?.kind == .missing)
    try write([result("a", 0, "1", 20)], label: "x", to: bench.output, plan: ["a"])
    let file = bench.output.appending(path: "x/results/a.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    try Data(text.prefix(80).utf8).write(to: file)
    #expect(#expect(throws: InputError.self) { try EvaluationTable(bench.output) }?.kind == .malformed)
    var foreign = result("a", 0, "1", 20)
    foreign.settingsFingerprint = "another"
    try EvaluationStore(folder: bench.output.appending(path: "x")).write(foreign)
    #expect(#expect(throws: InputError.self) { try EvaluationTable(bench.output) }?.kind == .mismatch)
  }

  @Test("results of records that are no longer planned are left out of the table")
  func narrowed() throws {
    let bench = try EvaluationBench(records: [:])
    try write([result("a", 0, "1", 20), result("b", 1, "1", 30)], label: "x", to: bench.output, plan: ["b"])
    #expect(try EvaluationTable(bench.output).methods[0].results.map(\.id) == ["b"])
  }
}
