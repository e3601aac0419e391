internal import DiffusionCore

extension InversionOptions {
  /// The most that an inversion asks of the networks: no step stops early, and there is no budget.
  package var mostWork: NetworkWork {
    work.most
  }

  /// The least that it asks of them: all steps stop as early as they can.
  package var leastWork: NetworkWork {
    work.least
  }

  /// The photo is encoded, and decoded once before the pivots.
  private var work: WorkRange {
    WorkRange(NetworkWork(encodings: 1, decodings: 1)) + work(afterPivots: 0)
  }

  /// What an inversion still asks of the networks once so many of its pivots are there.
  func work(afterPivots count: Int) -> WorkRange {
    let pivots = pivotEvaluations(steps - count)
    return WorkRange(
      least: pivots + method.walk.leastEvaluations(steps: steps),
      most: pivots + method.walk.mostEvaluations(steps: steps))
  }

  private func pivotEvaluations(_ count: Int) -> EvaluationCount {
    switch pivots {
    case .inversion:
      EvaluationCount(forward: count * (1 + pivotRefinements), stem: count * (1 + pivotRefinements))
    case .random: EvaluationCount()
    }
  }
}
