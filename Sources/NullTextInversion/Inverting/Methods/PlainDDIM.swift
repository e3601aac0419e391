internal import DiffusionCore

/// DDIM sampling with the embedding of the empty text in every step: the baseline.
struct PlainDDIM: InversionWalk {
  func mostEvaluations(steps: Int) -> EvaluationCount { .guidedSteps(steps) }

  func complete(_ unfinished: inout UnfinishedInversion, along walk: GuidedWalk) throws {
    try walk.complete(&unfinished, null: walk.emptyEmbedding)
  }
}
