internal import DiffusionCore
public import Foundation

/// The results of an evaluation, of one method or several, put together from all runs that share an output folder.
public struct EvaluationTable: Sendable {
  /// The methods, by label.
  public let methods: [Method]

  /// One method's results.
  public struct Method: Sendable {
    /// What it is called.
    public let label: String
    /// What its results were computed with.
    public let settings: EvaluationSettings
    /// Its results, in the order of the benchmark.
    public let results: [EvaluationResult]
    /// The records that should have a result and have none.
    public let missing: [String]

    /// The mean of a metric over the results of a category, or over all: those that have none are left out, as
    /// PIE-Bench does with "nan".
    ///
    /// - Returns: nil if no result has the metric.
    public func mean(of metric: EvaluationMetric, category: String? = nil) -> Double? {
      let values = results.filter { category == nil || $0.category == category }.compactMap {
        $0.metrics[metric]
      }
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The categories of the results, in order.
    public var categories: [String] {
      Set(results.map(\.category)).sorted { (Int($0) ?? .max, $0) < (Int($1) ?? .max, $1) }
    }
  }

  /// Reads the results in the output folder of an evaluation.
  ///
  /// - Parameter labels: the methods to read; all if nil.
  /// - Throws: `InputError` if there are none, a file is damaged, or results of different settings are mixed.
  public init(_ output: URL, labels: [String]? = nil) throws {
    let stores =
      try labels?.map { EvaluationStore(folder: output.appending(path: $0)) }
      ?? EvaluationStore.all(in: output)
    methods = try stores.map { store in
      let (settings, plan, results) = try store.contents()
      let planned = Set(plan)
      let chosen = results.filter { planned.contains($0.id) }
      let done = Set(chosen.map(\.id))
      return Method(
        label: store.folder.lastPathComponent, settings: settings, results: chosen,
        missing: plan.filter { !done.contains($0) })
    }
  }

  /// Whether every record has its result in every method.
  public var isComplete: Bool { methods.allSatisfy(\.missing.isEmpty) }

  /// The table in PIE-Bench's form: the record's name, then a column `method|metric` for each; "nan" where there is
  /// no value.
  public var csv: String {
    let columns = methods.flatMap { method in
      EvaluationMetric.allCases.map { "\(method.label)|\($0.rawValue)" }
    }
    let found = methods.map { Dictionary($0.results.map { ($0.id, $0) }) { first, _ in first } }
    var order: [String: Int] = [:]
    for result in methods.flatMap(\.results) { order[result.id] = result.index }
    let ids = order.keys.sorted { (order[$0] ?? 0, $0) < (order[$1] ?? 0, $1) }
    let rows = ids.map { id in
      let values = found.flatMap { results in
        EvaluationMetric.allCases.map { metric in results[id]?.metrics[metric].map { "\($0)" } ?? "nan" }
      }
      return [Self.field(id)] + values
    }
    return ([["file_id"] + columns] + rows).map { $0.joined(separator: ",") + "\r\n" }.joined()
  }

  /// A field as RFC 4180 has it.
  private static func field(_ text: String) -> String {
    guard text.contains(where: { ",\"".contains($0) || $0.isNewline }) else { return text }
    return "\"\(text.replacing("\"", with: "\"\""))\""
  }

  /// The names of the files that `write(to:)` writes.
  public static let (csvName, summaryName) = ("evaluation_result.csv", "summary.json")

  /// Writes `evaluation_result.csv` and `summary.json` into a folder.
  ///
  /// - Throws: `InputError(.unwritable)`.
  public func write(to folder: URL) throws {
    try AtomicFile.write(Data(csv.utf8), to: folder.appending(path: Self.csvName))
    try AtomicFile.write(
      ResultJSON.data(of: EvaluationSummary(self)), to: folder.appending(path: Self.summaryName))
  }
}
