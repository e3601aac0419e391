internal import DiffusionCore
internal import Tensor

/// One null embedding for all steps: an ablation of the paper.
///
/// A sweep walks down from the last pivot and makes, in each step, one update towards the next pivot before going on with
/// the embedding as it is then. One Adam is kept for all sweeps. What comes out is the embedding of the sweep whose steps
/// were nearest to the pivots.
struct GlobalNullText {
  let walk: GuidedWalk

  /// What sweeps have come to.
  struct Sweeps: Equatable {
    var embedding: Tensor
    /// The number of sweeps made.
    var count = 0
    /// The mean distance of the last sweep's steps from the pivots.
    var distance = Float.infinity
    var best: Tensor
    var bestDistance = Float.infinity
    /// Adam's running means of the gradient and its square.
    var mean: Tensor
    var square: Tensor
  }

  /// The embedding that the walk has begun with, or what is missing of the sweeps that find it.
  func embedding(for inversion: inout Inversion) throws -> Tensor {
    if let found = inversion.nullEmbeddings.first { return found }
    let options = walk.options
    let start = options.start == .empty ? walk.emptyEmbedding : walk.captionEmbedding
    var sweeps = inversion.sweeps ?? Sweeps(startingAt: start)
    let reporter = ProgressReporter(
      .optimisation, stepCount: options.innerSteps, firstStep: sweeps.count, since: walk.start, walk.progress)
    while sweeps.count < options.innerSteps, Double(sweeps.distance) >= options.earlyStop {
      try sweep(&sweeps, inversion)
      reporter.report(step: sweeps.count, loss: sweeps.distance)
      inversion.sweeps = sweeps
      try walk.keep(inversion)
    }
    inversion.sweeps = nil
    return sweeps.best
  }

  private func sweep(_ sweeps: inout Sweeps, _ inversion: Inversion) throws {
    let (timesteps, guidance) = (walk.predictor.sampler.timesteps, walk.options.guidance)
    var adam = Adam(
      learningRate: 0.01, stepCount: sweeps.count * timesteps.count, moments: (sweeps.mean, sweeps.square))
    var latent = inversion.trajectory[0]
    var distance: Float = 0
    for (index, timestep) in timesteps.enumerated() {
      let stem = try walk.predictor.stem(latent, at: timestep)
      let text = try walk.predictor.prediction(stem, walk.caption)
      let landing = Landing(
        predictor: walk.predictor, stem: stem, text: text, latent: latent, step: index,
        guidance: guidance)
      let (loss, gradient) = try valueAndGradient(at: sweeps.embedding) { embedding in
        try landing(embedding).meanSquaredError(to: inversion.pivot(after: index))
      }
      adam.step(&sweeps.embedding, gradient: gradient)
      latent = try landing(Variable(sweeps.embedding)).value
      distance += loss / Float(timesteps.count)
    }
    if let moments = adam.moments { (sweeps.mean, sweeps.square) = moments }
    sweeps.count += 1
    sweeps.distance = distance
    if distance < sweeps.bestDistance { (sweeps.best, sweeps.bestDistance) = (sweeps.embedding, distance) }
  }
}

extension GlobalNullText.Sweeps {
  init(startingAt embedding: Tensor) {
    let zeros = Tensor(zeros: embedding.shape)
    self.init(embedding: embedding, best: embedding, mean: zeros, square: zeros)
  }
}
