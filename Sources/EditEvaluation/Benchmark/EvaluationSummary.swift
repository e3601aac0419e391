/// The means of an evaluation: what `summary.json` holds.
public struct EvaluationSummary: Sendable, Equatable, Codable {
  /// The methods by their labels.
  public var methods: [String: Method]

  /// One method.
  public struct Method: Sendable, Equatable, Codable {
    /// Over all records.
    public var all: Means
    /// By categories.
    public var categories: [String: Means]
    /// The records that should have a result and have none.
    public var missing: [String]
    /// What the results were computed with.
    public var settings: EvaluationSettings
    /// Where they were computed.
    public var environments: [EvaluationResult.Environment]
  }

  /// Means over some records.
  public struct Means: Sendable, Equatable, Codable {
    /// What the kind of edit is called.
    public var name: String
    /// The number of records.
    public var records: Int
    /// The mean of each metric over the records that have it.
    public var metrics: [EvaluationMetric: Double]
  }

  /// The means of a table.
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
