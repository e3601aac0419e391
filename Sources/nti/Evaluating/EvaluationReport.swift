internal import EditEvaluation
internal import NullTextInversion

/// The JSON result of `nti evaluate`.
struct EvaluationReport: Encodable {
  let seconds: Double
  let output: String
  var csv: String?
  var summary: String?
  /// The errors of failed records, by `METHOD/ID`.
  var failed: [String: String] = [:]
  /// The ids of records without a result, by method.
  var missing: [String: [String]] = [:]
  /// The means of the metrics and the number of records, by method; means that are not finite are left out.
  var methods: [String: [String: Double]] = [:]

  init(seconds: Double, output: String) {
    self.seconds = seconds
    self.output = output
  }

  mutating func take(_ table: EvaluationTable) {
    csv = "\(output)/\(EvaluationTable.csvName)"
    summary = "\(output)/\(EvaluationTable.summaryName)"
    for method in table.methods {
      if !method.missing.isEmpty { missing[method.label] = method.missing }
      var means: [String: Double] = ["records": Double(method.results.count)]
      for metric in EvaluationMetric.allCases {
        if let mean = method.mean(of: metric), mean.isFinite { means[metric.rawValue] = mean }
      }
      methods[method.label] = means
    }
  }
}
