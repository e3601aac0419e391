internal import DiffusionCore

extension InversionOptions {
  /// The most that an inversion asks of the networks: no step stops early, and there is no budget.
  package var mostWork: NetworkWork {
    let pivotEvaluations: Int
    switch pivots {
    case .inversion: pivotEvaluations = steps * (1 + pivotRefinements)
    case .random: pivotEvaluations = 0
    }
    return NetworkWork(
      evaluations: EvaluationCount(forward: pivotEvaluations, stem: pivotEvaluations)
        + method.walk.mostEvaluations(steps: steps),
      encodings: 1, decodings: 2)
  }
}
