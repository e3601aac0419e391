internal import DiffusionCore
internal import Tensor

/// One null embedding for all steps (the ablation of Mokady et al. 2022).
///
/// A sweep walks down from the last pivot and makes, in each step, one update towards the next pivot before going on with
/// the embedding as it is then. One Adam is kept for all sweeps. What comes out is the embedding of the sweep whose steps
/// were nearest to the pivots.
struct GlobalNullText {
  let walk: GuidedWalk

  func embedding(for inversion: Inversion) throws -> Tensor {
    let options = walk.options
    var embedding = options.start == .empty ? walk.emptyEmbedding : walk.captionEmbedding
    guard options.innerSteps > 0 else { return embedding }
    var adam = Adam(learningRate: 0.01)
    var best = (embedding: embedding, distance: Float.infinity)
    let reporter = ProgressReporter(
      .optimisation, stepCount: options.innerSteps, since: walk.start, walk.progress)
    for sweep in 0..<options.innerSteps {
      var latent = inversion.trajectory[0]
      var distance: Float = 0
      for (index, timestep) in walk.predictor.sampler.timesteps.enumerated() {
        let stem = try walk.predictor.stem(latent, at: timestep)
        let text = try walk.predictor.prediction(stem, walk.caption)
        let landing = Landing(
          predictor: walk.predictor, stem: stem, text: text, latent: latent, timestep: timestep,
          guidance: options.guidance)
        let (loss, gradient) = try valueAndGradient(at: embedding) { embedding in
          try landing(embedding).meanSquaredError(to: walk.target(index, inversion))
        }
        adam.step(&embedding, gradient: gradient)
        latent = try landing(Variable(embedding)).value
        distance += loss / Float(options.steps)
      }
      if distance < best.distance { best = (embedding, distance) }
      reporter.report(step: sweep + 1, loss: distance)
      if Double(distance) < options.earlyStop { break }
    }
    return best.embedding
  }
}
