internal import EditEvaluation
internal import NullTextInversion

/// What `nti evaluate` has to say to programs.
struct EvaluationReport: Encodable {
  let seconds: Double
  let output: String
  var csv: String?
  var summary: String?
  /// Records by method that could not be done, and why.
  var failed: [String: String] = [:]
  /// Records by method that have no result.
  var missing: [String: [String]] = [:]
  /// Means by method; those that are not finite are left out.
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
