/// What the edits read of the source in one step.
struct SourceReading: Equatable {
  /// The position on the source trajectory at which attention is read: the step itself, or a later one.
  var position: Int
  /// The sites whose attention under the caption is read.
  var sites: Set<Int> = []
  /// The sites whose attention under the null embedding is read.
  var nullSites: Set<Int> = []
  /// The source's own predictions, before the step, that are read.
  var predictions: SourcePredictions = []

  /// Combines the readings of two edits with the same step rule.
  static func + (a: SourceReading, b: SourceReading) -> SourceReading {
    SourceReading(
      position: a.position, sites: a.sites.union(b.sites), nullSites: a.nullSites.union(b.nullSites),
      predictions: a.predictions.union(b.predictions))
  }
}

/// The cached evaluations of the source, used to count in advance the evaluations of `SourceBranch`.
struct SourceKnowledge {
  /// The sites whose attention under the caption is cached, by position on the trajectory.
  var sites: [Int: Set<Int>] = [:]
  /// The positions whose predictions under the caption are cached.
  var predicted: Set<Int> = []

  /// Returns the number of source evaluations in step `index` and marks their results as cached.
  mutating func evaluations(_ reading: SourceReading, step index: Int) -> Int {
    var count = 0
    if !reading.sites.isEmpty, !reading.sites.isSubset(of: sites[reading.position] ?? []) {
      count += 1
      predicted.insert(reading.position)
    }
    if reading.predictions.contains(.caption), predicted.insert(index).inserted { count += 1 }
    let sharesNull = reading.position == index && !reading.nullSites.isEmpty
    if !reading.nullSites.isEmpty { count += 1 }
    if reading.predictions.contains(.null), !sharesNull { count += 1 }
    return count
  }
}
