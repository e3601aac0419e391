/// The means of an evaluation: the content of `summary.json`.
public struct EvaluationSummary: Sendable, Equatable, Codable {
  /// The methods by label.
  public var methods: [String: Method]

  /// The means of one method.
  public struct Method: Sendable, Equatable, Codable {
    /// The means over all records.
    public var all: Means
    /// The means by category.
    public var categories: [String: Means]
    /// The ids of records without a result.
    public var missing: [String]
    /// The settings of the results.
    public var settings: EvaluationSettings
    /// The environments in which the results were computed.
    public var environments: [EvaluationResult.Environment]
  }

  /// The means over some records.
  public struct Means: Sendable, Equatable, Codable {
    /// The name of the kind of edit; "all" for all records.
    public var name: String
    /// The number of records.
    public var records: Int
    /// The mean of each metric over the records that have it.
    public var metrics: [EvaluationMetric: Double]
  }

  /// Computes the means of a table.
  public init(_ table: EvaluationTable) {
    methods = [:]
    for method in table.methods { methods[method.label] = Method(method) }
  }
}

extension EvaluationSummary.Method {
  init(_ method: EvaluationTable.Method) {
    all = EvaluationSummary.Means(method, category: nil)
    categories = [:]
    for category in method.categories {
      categories[category] = EvaluationSummary.Means(method, category: category)
    }
    missing = method.missing
    settings = method.settings
    environments = method.results.map(\.environment).reduce(into: []) { found, environment in
      if !found.contains(environment) { found.append(environment) }
    }
  }
}

extension EvaluationSummary.Means {
  init(_ method: EvaluationTable.Method, category: String?) {
    name = category.map(PIEBench.name(ofCategory:)) ?? "all"
    records = method.results.count { category == nil || $0.category == category }
    metrics = [:]
    for metric in EvaluationMetric.allCases { metrics[metric] = method.mean(of: metric, category: category) }
  }
}
