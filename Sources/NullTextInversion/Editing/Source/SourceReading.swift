/// What the steps of edits read of the source in one step.
struct SourceReading: Equatable {
  /// Where on the source's path the attention is read: the step itself, or one after it.
  var position: Int
  /// The sites whose attention under the caption is read.
  var sites: Set<Int> = []
  /// The sites whose attention under the null embedding is read.
  var nullSites: Set<Int> = []
  /// The source's own predictions before the step that are read.
  var predictions: SourcePredictions = []

  /// Both together, of edits with the same rule.
  static func + (a: SourceReading, b: SourceReading) -> SourceReading {
    SourceReading(
      position: a.position, sites: a.sites.union(b.sites), nullSites: a.nullSites.union(b.nullSites),
      predictions: a.predictions.union(b.predictions))
  }
}

/// What is known of the source, step by step, so that nothing is evaluated twice.
///
/// It counts beforehand what `SourceBranch` evaluates.
struct SourceKnowledge {
  /// The sites whose attention under the caption is remembered, by positions on the path.
  var sites: [Int: Set<Int>] = [:]
  /// The positions whose predictions under the caption are known.
  var predicted: Set<Int> = []

  /// Counts the evaluations of the source in step `index`, and takes note of them.
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
