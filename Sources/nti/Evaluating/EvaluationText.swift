internal import EditEvaluation
internal import NullTextInversion

/// The printed tables of an evaluation.
enum EvaluationText {
  private static let columns: [(title: String, metric: EvaluationMetric, factor: Double, places: Int)] = [
    ("PSNR", .psnrOutside, 1, 2), ("MSE·10⁴", .mseOutside, 1e4, 1), ("SSIM·10²", .ssimOutside, 1e2, 2),
    ("inside dB", .answerPSNRInside, 1, 2), ("outside dB", .answerPSNROutside, 1, 2),
    ("recon dB", .reconstructionPSNR, 1, 2), ("bound dB", .autoencoderPSNR, 1, 2),
    ("seconds", .seconds, 1, 1),
    ("forward", .forward, 1, 0), ("backward", .backward, 1, 0),
  ]

  /// Returns a table per method.
  ///
  /// The columns are PIE-Bench's PSNR, MSE and SSIM against the source outside the region to edit; the PSNR against the
  /// ground truth; the fidelity of the reconstruction; and the cost.
  static func tables(_ table: EvaluationTable) -> String {
    table.methods.map { method in
      let used = columns.filter { method.mean(of: $0.metric) != nil }
      var rows = [[method.label, "records"] + used.map(\.title)]
      for category in method.categories {
        rows.append(row("\(category) \(PIEBench.name(ofCategory: category))", method, category, used))
      }
      rows.append(row("mean", method, nil, used))
      return AlignedTable(rows).text + "\n"
    }.joined(separator: "\n")
  }

  private static func row(
    _ title: String, _ method: EvaluationTable.Method, _ category: String?,
    _ used: [(title: String, metric: EvaluationMetric, factor: Double, places: Int)]
  ) -> [String] {
    let count = method.results.count { category == nil || $0.category == category }
    let numbers = used.map { column in
      number(method.mean(of: column.metric, category: category).map { $0 * column.factor }, column.places)
    }
    return [title, "\(count)"] + numbers
  }

  static func number(_ value: Double?, _ places: Int) -> String {
    guard let value else { return "-" }
    return value.isFinite ? Format.decimal(value, places: places) : "\(value)"
  }
}
