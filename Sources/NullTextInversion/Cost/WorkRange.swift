internal import DiffusionCore

/// The minimum and maximum network work of a call.
struct WorkRange: Equatable {
  var least = NetworkWork()
  var most = NetworkWork()

  init() {}

  init(least: NetworkWork, most: NetworkWork) { (self.least, self.most) = (least, most) }

  /// Creates a range for a known amount of work.
  init(_ work: NetworkWork) { self.init(least: work, most: work) }

  static func + (a: WorkRange, b: WorkRange) -> WorkRange {
    WorkRange(least: a.least + b.least, most: a.most + b.most)
  }
}

extension WorkRange {
  /// Creates a range of UNet evaluations, plus the decoding of their result.
  init(least: EvaluationCount, most: EvaluationCount) {
    self.init(
      least: NetworkWork(evaluations: least, decodings: 1), most: NetworkWork(evaluations: most, decodings: 1)
    )
  }

  /// Creates a range for a known number of UNet evaluations, plus the decoding of their result.
  init(_ evaluations: EvaluationCount) { self.init(least: evaluations, most: evaluations) }
}
