internal import DiffusionCore
internal import Tensor

/// Guided sampling from the last pivot to the image, shared by all inversion methods.
///
/// It performs steps, appends them to the inversion, reports progress and saves the inversion. The method chooses the
/// null embedding of each step.
struct GuidedWalk {
  let sampler: any Sampler
  let step: GuidedStep
  /// The embeddings of the caption and of the empty text, tokens x channels.
  let captionEmbedding: Tensor
  let emptyEmbedding: Tensor
  let caption: TextContext
  let progress: CallProgress
  /// Saves the unfinished inversion.
  let keep: (UnfinishedInversion) throws -> Void

  /// Performs all missing steps with one null embedding.
  ///
  /// - Parameter cancels: Whether `null` is the caption's embedding, so that guidance cancels and one evaluation per
  ///   step is enough.
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

  /// Returns the latent after a guided step.
  func guided(_ index: Int, from latent: Tensor, null: TextContext) throws -> Tensor {
    var step = step
    return try step(index, from: latent, null: null, text: caption)
  }

  /// Returns the latent after a step whose null embedding is the caption's.
  func unguided(_ index: Int, from latent: Tensor) throws -> Tensor {
    var step = step
    return try step.unguided(index, from: latent, text: caption)
  }

  /// Returns the loss of step `index` as a function of its null embedding.
  func loss(_ index: Int, from latent: Tensor, of inversion: Inversion) throws -> NullTextLoss {
    try NullTextLoss(step, index, from: latent, caption: caption, target: inversion.pivot(after: index))
  }

  /// Reports the step that was appended last, and saves the inversion.
  ///
  /// - Parameter left: The remaining work of the inversion.
  func finish(_ unfinished: UnfinishedInversion, left: WorkRange) throws {
    let inversion = unfinished.inversion
    progress.report(
      .optimization, step: inversion.nullEmbeddings.count, of: inversion.stepCount,
      loss: inversion.losses.last,
      left: left)
    try keep(unfinished)
  }
}

extension EvaluationCount {
  /// Counts steps of two evaluations that share one stem.
  static func guidedSteps(_ count: Int) -> EvaluationCount {
    EvaluationCount(forward: 2 * count, stem: count)
  }

  /// Counts steps of one evaluation.
  static func singleSteps(_ count: Int) -> EvaluationCount { EvaluationCount(forward: count, stem: count) }
}

extension Inversion {
  /// Appends a guided step.
  ///
  /// - Parameter loss: The measured loss; if nil, the mean squared difference between `latent` and its pivot.
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
