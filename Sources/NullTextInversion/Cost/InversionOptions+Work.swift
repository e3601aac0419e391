internal import DiffusionCore

extension InversionOptions {
  /// The maximum network work of an inversion: no step stops early, and there is no budget.
  package var mostWork: NetworkWork {
    work.most
  }

  /// The minimum network work of an inversion: every step stops as early as possible.
  package var leastWork: NetworkWork {
    work.least
  }

  /// The work includes encoding the photo, and decoding it once before the pivots.
  private var work: WorkRange {
    WorkRange(NetworkWork(encodings: 1, decodings: 1)) + work(afterPivots: 0)
  }

  /// Returns the remaining network work of an inversion after a number of pivots.
  func work(afterPivots count: Int) -> WorkRange {
    let fewest = pivotTolerance == nil ? pivotRefinements : min(pivotRefinements, 1)
    let count = steps - count
    // A trajectory that ends at the encoded image is not decoded again.
    let decodings = method == .direct ? 0 : 1
    return WorkRange(
      least: NetworkWork(
        evaluations: pivotEvaluations(count, refinements: fewest)
          + method.walk.leastEvaluations(steps: steps), decodings: decodings),
      most: NetworkWork(
        evaluations: pivotEvaluations(count, refinements: pivotRefinements)
          + method.walk.mostEvaluations(steps: steps), decodings: decodings))
  }

  /// Returns the evaluations for a number of pivots with a number of refinements each.
  private func pivotEvaluations(_ count: Int, refinements: Int) -> EvaluationCount {
    guard pivots == .inversion else { return EvaluationCount() }
    let stems = count * (1 + refinements)
    return pivotGuidance == 1 ? .singleSteps(stems) : .guidedSteps(stems)
  }
}
