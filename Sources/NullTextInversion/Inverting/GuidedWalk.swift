internal import DiffusionCore
internal import Tensor

/// The guided walk from the last pivot down to the picture, which every inversion method makes in its own way.
///
/// It makes steps, writes them into the inversion, reports them and keeps them. A method decides which null embedding each
/// step gets.
struct GuidedWalk {
  let sampler: any Sampler
  let step: GuidedStep
  /// The embeddings of the caption and of the empty text, tokens x channels.
  let captionEmbedding: Tensor
  let emptyEmbedding: Tensor
  let caption: TextContext
  let progress: CallProgress
  /// Keeps the inversion as far as it has come.
  let keep: (UnfinishedInversion) throws -> Void

  /// Makes all missing steps with the same null embedding.
  ///
  /// - Parameter cancels: whether the embedding is the caption's, so that guidance cancels and one evaluation is enough.
  func complete(_ unfinished: inout UnfinishedInversion, null: Tensor, cancels: Bool = false) throws {
    let context = step.predictor.unet.context(null)
    let stepCount = unfinished.inversion.stepCount
    while unfinished.inversion.nullEmbeddings.count < stepCount {
      let index = unfinished.inversion.nullEmbeddings.count
      let latent = unfinished.inversion.trajectory[index]
      let next = cancels ? try unguided(index, from: latent) : try guided(index, from: latent, null: context)
      try unfinished.inversion.append(null, next)
      let stepsLeft = stepCount - index - 1
      try finish(
        unfinished, left: WorkRange(cancels ? .singleSteps(stepsLeft) : .guidedSteps(stepsLeft)))
    }
  }

  /// The latent that a guided step leads to.
  func guided(_ index: Int, from latent: Tensor, null: TextContext) throws -> Tensor {
    var step = step
    return try step(index, from: latent, null: null, text: caption)
  }

  /// The latent that a step leads to where the null embedding is the caption's.
  func unguided(_ index: Int, from latent: Tensor) throws -> Tensor {
    var step = step
    return try step.unguided(index, from: latent, text: caption)
  }

  /// The loss of the null embedding in step `index`, from where the inversion stands.
  func loss(_ index: Int, from latent: Tensor, of inversion: Inversion) throws -> NullTextLoss {
    try NullTextLoss(step, index, from: latent, caption: caption, target: inversion.pivot(after: index))
  }

  /// Reports the step that was written last, and keeps the inversion.
  ///
  /// - Parameter left: what the inversion still asks of the networks.
  func finish(_ unfinished: UnfinishedInversion, left: WorkRange) throws {
    let inversion = unfinished.inversion
    progress.report(
      .optimisation, step: inversion.nullEmbeddings.count, of: inversion.stepCount,
      loss: inversion.losses.last,
      left: left)
    try keep(unfinished)
  }
}

extension EvaluationCount {
  /// Steps of two evaluations over one stem.
  static func guidedSteps(_ count: Int) -> EvaluationCount {
    EvaluationCount(forward: 2 * count, stem: count)
  }

  /// Steps of one evaluation.
  static func singleSteps(_ count: Int) -> EvaluationCount { EvaluationCount(forward: count, stem: count) }
}

extension Inversion {
  /// Writes down a step of the guided walk.
  ///
  /// - Parameter loss: the loss that was measured; the distance of `latent` from its pivot if nil.
  /// - Throws: `InputError` if the loss or the embedding is not finite.
  mutating func append(
    _ embedding: Tensor, _ latent: Tensor, loss: Float? = nil, innerSteps: Int = 0
  ) throws(InputError) {
    let index = nullEmbeddings.count
    let loss = loss ?? latent.meanSquaredDifference(to: pivot(after: index))
    guard loss.isFinite else { throw .notFinite("The loss of step \(index + 1) of \(stepCount)") }
    try embedding.requireFinite("The null embedding of step \(index + 1) of \(stepCount)")
    losses.append(loss)
    nullEmbeddings.append(embedding)
    trajectory.append(latent)
    self.innerSteps.append(innerSteps)
  }
}
