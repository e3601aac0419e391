internal import DiffusionCore
internal import Foundation

/// The folder of one method's results, with a small file per record.
///
/// The files allow a run to be interrupted and resumed, and several runs to share the work.
struct EvaluationStore {
  /// The folder, such as `OUT/null-text-inversion+p2p`.
  let folder: URL

  /// The content of `records.json`: the records that the table should have.
  struct Plan: Codable {
    var records: [String]
  }

  private var settingsFile: URL { folder.appending(path: "settings.json") }
  private var planFile: URL { folder.appending(path: "records.json") }

  /// Prepares the folder for results.
  ///
  /// - Parameters:
  ///   - settings: The settings of the results.
  ///   - plan: The ids of the records that the table should have.
  /// - Throws: `InputError(.mismatch)` if the folder has results with other settings; `.malformed` if its settings cannot
  ///   be read; `.unwritable` if it cannot be written or has other files with these names.
  func open(_ settings: EvaluationSettings, plan: [String]) throws {
    try checkIsOwn()
    try OutputFolder.make(folder.appending(path: "results"))
    if !FileManager.default.fileExists(atPath: settingsFile.path) {
      try AtomicFile.write(ResultJSON.data(of: settings), to: settingsFile)
    }
    // The file is read even if it was just written, because another run may have written it at the same time.
    guard let written = try? InputFile(settingsFile).contents(),
      let differences = try? settings.differences(from: written)
    else {
      throw InputError(
        .malformed, "\(settingsFile.path) cannot be read. Name another folder for the results.")
    }
    guard differences.isEmpty else {
      throw InputError(
        .mismatch,
        "\(folder.path) has results with other settings: \(differences.joined(separator: ", ")). Use the same settings, "
          + "or give another label or folder.")
    }
    try AtomicFile.write(ResultJSON.data(of: Plan(records: plan)), to: planFile)
  }

  /// Throws `InputError(.unwritable)` if pictures or tables exist that do not belong to an evaluation.
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
        .unwritable, "\(path) already exists and is not part of an evaluation. Name another folder.")
    }
  }

  /// Returns the stored result of a record with these fingerprints; nil if there is none.
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

  /// A folder of pictures with the same file names as in the benchmark.
  enum Tree: String {
    /// The folder of edits, in which PIE-Bench's evaluator searches.
    case edits = "annotation_images"
    case reconstructions
  }

  func url(of tree: Tree, _ record: PIEBench.Record) -> URL {
    folder.appending(path: "\(tree.rawValue)/\(record.imagePath)")
  }

  /// Returns whether the edit and the reconstruction of a record exist.
  func hasPictures(of record: PIEBench.Record) -> Bool {
    [Tree.edits, .reconstructions].allSatisfy {
      FileManager.default.fileExists(atPath: url(of: $0, record).path)
    }
  }

  /// Writes a picture with the same file name as in the benchmark.
  ///
  /// The format is always PNG, whatever the extension: programs detect the format from the bytes, and a lossy format would
  /// add its own error to the edit's.
  func write(_ picture: RGBImage, to tree: Tree, _ record: PIEBench.Record) throws {
    let url = url(of: tree, record)
    try OutputFolder.make(url.deletingLastPathComponent())
    try AtomicFile.write(picture.pngData(), to: url)
  }
}

extension EvaluationStore {
  /// Reads the whole folder, for a table.
  ///
  /// - Throws: `InputError` if a file is missing or damaged, or a result has other settings than the folder.
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
          "\(url.path) was computed with other settings than those in \(settingsFile.path). Remove it and run again."
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
      throw InputError(
        .malformed, "\(url.path) is not a valid file of an evaluation. Remove it and run again.")
    }
  }

  private func bytes(of url: URL) throws -> Data {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw InputError(
        .missing, "There is no \(url.path). Name the folder of an evaluation.")
    }
    return try InputFile(url).contents()
  }

  /// Returns the folders of all methods in the folder of an evaluation, sorted by name.
  ///
  /// - Throws: `InputError(.missing)` if there are none.
  static func all(in output: URL) throws -> [EvaluationStore] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: output.path)) ?? []
    let stores = names.sorted().map { EvaluationStore(folder: output.appending(path: $0)) }
      .filter { FileManager.default.fileExists(atPath: $0.settingsFile.path) }
    guard !stores.isEmpty else {
      throw InputError(
        .missing, "There are no results in \(output.path). Name the folder of an evaluation."
      )
    }
    return stores
  }
}
