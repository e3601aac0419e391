internal import DiffusionCore
public import Foundation

/// The results of an evaluation of one or several methods, merged from all runs that share an output folder.
public struct EvaluationTable: Sendable {
  /// The methods, sorted by label.
  public let methods: [Method]

  /// The results of one method.
  public struct Method: Sendable {
    /// The name of the method.
    public let label: String
    /// The settings of the results.
    public let settings: EvaluationSettings
    /// The results, in the order of the benchmark.
    public let results: [EvaluationResult]
    /// The ids of records without a result.
    public let missing: [String]

    /// Returns the mean of a metric over the results of a category, or over all results.
    ///
    /// Results without the metric are left out, as PIE-Bench leaves out "nan".
    ///
    /// - Returns: The mean; nil if no result has the metric.
    public func mean(of metric: EvaluationMetric, category: String? = nil) -> Double? {
      let values = results.filter { category == nil || $0.category == category }.compactMap {
        $0.metrics[metric]
      }
      return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The categories of the results, sorted.
    public var categories: [String] {
      Set(results.map(\.category)).sorted { (Int($0) ?? .max, $0) < (Int($1) ?? .max, $1) }
    }
  }

  /// Reads the results in the output folder of an evaluation.
  ///
  /// - Parameters:
  ///   - output: The output folder.
  ///   - labels: The methods to read, in this order; nil for all.
  /// - Throws: `InputError` if there are no results, a file is damaged, or results of different settings are mixed.
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

  /// Whether every record has a result by every method.
  public var isComplete: Bool { methods.allSatisfy(\.missing.isEmpty) }

  /// The table as CSV text in PIE-Bench's format.
  ///
  /// The columns are `file_id`, then `method|metric` for each method and metric; missing values are "nan".
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

  /// Returns a field of CSV text, quoted as in RFC 4180.
  private static func field(_ text: String) -> String {
    guard text.contains(where: { ",\"".contains($0) || $0.isNewline }) else { return text }
    return "\"\(text.replacing("\"", with: "\"\""))\""
  }

  /// The names of the files that `write(to:)` writes.
  public static let (csvName, summaryName) = ("evaluation_result.csv", "summary.json")

  /// Writes `evaluation_result.csv` and `summary.json` to a folder.
  ///
  /// - Throws: `InputError(.unwritable)` if a file cannot be written.
  public func write(to folder: URL) throws {
    try AtomicFile.write(Data(csv.utf8), to: folder.appending(path: Self.csvName))
    try AtomicFile.write(
      ResultJSON.data(of: EvaluationSummary(self)), to: folder.appending(path: Self.summaryName))
  }
}
