internal import DiffusionCore

/// The least and the most that a call asks of the networks.
struct WorkRange: Equatable {
  var least = NetworkWork()
  var most = NetworkWork()

  init() {}

  init(least: NetworkWork, most: NetworkWork) { (self.least, self.most) = (least, most) }

  /// What is known beforehand.
  init(_ work: NetworkWork) { self.init(least: work, most: work) }

  static func + (a: WorkRange, b: WorkRange) -> WorkRange {
    WorkRange(least: a.least + b.least, most: a.most + b.most)
  }
}

extension WorkRange {
  /// Evaluations of the UNet, and the picture that they lead to.
  init(least: EvaluationCount, most: EvaluationCount) {
    self.init(
      least: NetworkWork(evaluations: least, decodings: 1), most: NetworkWork(evaluations: most, decodings: 1)
    )
  }

  /// Evaluations whose number is known, and the picture that they lead to.
  init(_ evaluations: EvaluationCount) { self.init(least: evaluations, most: evaluations) }
}
