internal import DiffusionCore

/// Direct inversion: uses the pivots as the trajectory.
///
/// Source: Ju et al. 2023, arXiv 2310.01506.
struct DirectInversion: InversionWalk {
  func mostEvaluations(steps: Int) -> EvaluationCount { EvaluationCount() }

  func complete(_ unfinished: inout UnfinishedInversion, along walk: GuidedWalk) throws {
    let steps = unfinished.inversion.stepCount
    unfinished.inversion.trajectory = unfinished.inversion.pivots.reversed()
    unfinished.inversion.nullEmbeddings = Array(repeating: walk.emptyEmbedding, count: steps)
    unfinished.inversion.losses = Array(repeating: 0, count: steps)
    unfinished.inversion.innerSteps = Array(repeating: 0, count: steps)
  }
}
