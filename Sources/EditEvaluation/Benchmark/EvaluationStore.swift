internal import DiffusionCore
internal import Foundation

/// The folder in which one method's results are kept, one small file for each record, so that a run can be stopped and
/// taken up again, and several can share the work.
struct EvaluationStore {
  /// Such as `OUT/null-text-inversion+p2p`.
  let folder: URL

  /// What is in `records.json`: the records that the table is to have.
  struct Plan: Codable {
    var records: [String]
  }

  private var settingsFile: URL { folder.appending(path: "settings.json") }
  private var planFile: URL { folder.appending(path: "records.json") }

  /// Prepares the folder for results with some settings.
  ///
  /// - Throws: `InputError(.mismatch)` if it holds results with others; `.unwritable`.
  func open(_ settings: EvaluationSettings, plan: [String]) throws {
    try checkIsOwn()
    try OutputFolder.make(folder.appending(path: "results"))
    if !FileManager.default.fileExists(atPath: settingsFile.path) {
      try AtomicFile.write(ResultJSON.data(of: settings), to: settingsFile)
    }
    // Read back even what was just written: another run may have been faster.
    guard let written = try? InputFile(settingsFile).contents(),
      let differences = try? settings.differences(from: written)
    else {
      throw InputError(
        .malformed, "\(settingsFile.path) cannot be read; name another folder for the results.")
    }
    guard differences.isEmpty else {
      throw InputError(
        .mismatch,
        "\(folder.path) holds results with other settings: \(differences.joined(separator: ", ")). Ask for the same, or "
          + "give another label or folder.")
    }
    try AtomicFile.write(ResultJSON.data(of: Plan(records: plan)), to: planFile)
  }

  /// Refuses to write among files of another's.
  private func checkIsOwn() throws {
    let output = folder.deletingLastPathComponent()
    func firstThere(_ names: [String], in folder: URL) -> String? {
      names.map { folder.appending(path: $0).path }.first(where: FileManager.default.fileExists(atPath:))
    }
    let pictures =
      FileManager.default.fileExists(atPath: settingsFile.path)
      ? nil : firstThere([Tree.edits, .reconstructions].map(\.rawValue), in: folder)
    let tables =
      (try? Self.all(in: output)) == nil
      ? firstThere([EvaluationTable.csvName, EvaluationTable.summaryName], in: output) : nil
    if let path = pictures ?? tables {
      throw InputError(
        .unwritable, "\(path) is there already, but no evaluation that it belongs to; name another folder.")
    }
  }

  /// What was computed for a record, with these settings and what the record now says; nil if nothing was.
  func result(of id: String, recordFingerprint: String, settingsFingerprint: String) -> EvaluationResult? {
    guard let data = try? InputFile(file(of: id)).contents(),
      let result = try? ResultJSON.decode(EvaluationResult.self, from: data),
      result.id == id, result.recordFingerprint == recordFingerprint,
      result.settingsFingerprint == settingsFingerprint
    else { return nil }
    return result
  }

  func write(_ result: EvaluationResult) throws {
    try AtomicFile.write(ResultJSON.data(of: result), to: file(of: result.id))
  }

  private func file(of id: String) -> URL { folder.appending(path: "results/\(id).json") }

  /// Pictures that go into a tree of the benchmark's own names.
  enum Tree: String {
    /// The edits, where PIE-Bench's evaluator looks for them.
    case edits = "annotation_images"
    case reconstructions
  }

  func url(of tree: Tree, _ record: PIEBench.Record) -> URL {
    folder.appending(path: "\(tree.rawValue)/\(record.imagePath)")
  }

  /// Whether the pictures of a record are there.
  func hasPictures(of record: PIEBench.Record) -> Bool {
    [Tree.edits, .reconstructions].allSatisfy {
      FileManager.default.fileExists(atPath: url(of: $0, record).path)
    }
  }

  /// Writes a picture under the benchmark's name for it.
  ///
  /// A PNG whatever the name says, as programs look at the bytes: another loss would be measured with the edit's.
  func write(_ picture: RGBImage, to tree: Tree, _ record: PIEBench.Record) throws {
    let url = url(of: tree, record)
    try OutputFolder.make(url.deletingLastPathComponent())
    try AtomicFile.write(picture.pngData(), to: url)
  }
}

extension EvaluationStore {
  /// Everything in the folder, for a table of it.
  ///
  /// - Throws: `InputError` if a file is damaged, or results were computed with other settings than the folder's.
  func contents() throws -> (settings: EvaluationSettings, plan: [String], results: [EvaluationResult]) {
    let settings: EvaluationSettings = try read(settingsFile)
    let plan: Plan = try read(planFile)
    let fingerprint = EvaluationSettings.fingerprint(of: try bytes(of: settingsFile))
    let results = folder.appending(path: "results")
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: results.path)
    } catch {
      throw InputError(.missing, "There are no results in \(results.path).")
    }
    let found: [EvaluationResult] = try names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.map {
      name in
      let url = results.appending(path: name)
      let result: EvaluationResult = try read(url)
      guard result.settingsFingerprint == fingerprint else {
        throw InputError(
          .mismatch,
          "\(url.path) was computed with other settings than \(settingsFile.path) says; remove it and run again."
        )
      }
      return result
    }
    return (settings, plan.records, found.sorted { ($0.index, $0.id) < ($1.index, $1.id) })
  }

  private func read<Value: Decodable>(_ url: URL) throws -> Value {
    let data = try bytes(of: url)
    do {
      return try ResultJSON.decode(Value.self, from: data)
    } catch {
      throw InputError(.malformed, "\(url.path) is not what an evaluation writes; remove it and run again.")
    }
  }

  private func bytes(of url: URL) throws -> Data {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw InputError(
        .missing, "There is no \(url.path); name the folder that an evaluation was written to.")
    }
    return try InputFile(url).contents()
  }

  /// The methods' folders inside the folder of an evaluation, by name.
  static func all(in output: URL) throws -> [EvaluationStore] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: output.path)) ?? []
    let stores = names.sorted().map { EvaluationStore(folder: output.appending(path: $0)) }
      .filter { FileManager.default.fileExists(atPath: $0.settingsFile.path) }
    guard !stores.isEmpty else {
      throw InputError(
        .missing, "There are no results in \(output.path); name the folder that an evaluation was written to."
      )
    }
    return stores
  }
}
