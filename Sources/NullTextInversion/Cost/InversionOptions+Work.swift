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
    let fewest = pivotTolerance == nil ? pivotRefinements : min(pivotRefinements, 1)
    let count = steps - count
    // A path that ends on the picture itself is not decoded again.
    let decodings = method == .direct ? 0 : 1
    return WorkRange(
      least: NetworkWork(
        evaluations: pivotEvaluations(count, refinements: fewest)
          + method.walk.leastEvaluations(steps: steps), decodings: decodings),
      most: NetworkWork(
        evaluations: pivotEvaluations(count, refinements: pivotRefinements)
          + method.walk.mostEvaluations(steps: steps), decodings: decodings))
  }

  /// What so many pivots ask for, each with some refinements.
  private func pivotEvaluations(_ count: Int, refinements: Int) -> EvaluationCount {
    guard pivots == .inversion else { return EvaluationCount() }
    let stems = count * (1 + refinements)
    return pivotGuidance == 1 ? .singleSteps(stems) : .guidedSteps(stems)
  }
}
