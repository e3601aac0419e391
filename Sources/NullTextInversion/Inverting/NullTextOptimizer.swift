internal import DiffusionCore
internal import Tensor

/// The way down: per step, fits the null embedding so that the guided step lands on the next pivot.
///
/// Mokady et al. 2022, algorithm 1.
struct NullTextOptimizer {
  let predictor: NoisePredictor
  let caption: TextContext
  let options: InversionOptions

  /// What one step gives.
  struct Step {
    var embedding: Tensor
    /// The latent that the guided step leads to with the fitted embedding.
    var latent: Tensor
    /// The losses as they were measured, each before its update; the last may have had none.
    var losses: [Float] = []
    /// The loss to remember: the last measured one, or that of `latent` where it was measured.
    var loss: Float?
    /// The number of updates.
    var updates = 0

    /// Takes a landing that is nearer to the pivot than any before, or the first.
    fileprivate mutating func keepBetter(_ embedding: Tensor, _ landed: Tensor, _ measured: Float) -> Bool {
      losses.append(measured)
      if let loss, measured >= loss || measured.isNaN { return false }
      (self.embedding, latent, loss) = (embedding, landed, measured)
      return true
    }
  }

  /// Makes step `index`, counted from the noisiest.
  ///
  /// - Parameters:
  ///   - latent: the walk so far.
  ///   - embedding: the null embedding to start from.
  ///   - target: the pivot to land on.
  ///   - innerSteps: the most updates.
  ///   - afterEach: hears of each update and the loss before it.
  func step(
    _ index: Int, from latent: Tensor, embedding: Tensor, target: Tensor, innerSteps: Int,
    afterEach: (_ innerStep: Int, _ loss: Float) -> Void = { _, _ in }
  ) throws -> Step {
    let timestep = predictor.sampler.timesteps[index]
    let stem = try predictor.stem(latent, at: timestep)
    let text = try predictor.prediction(stem, caption)
    let landing = Landing(
      predictor: predictor, stem: stem, text: text, latent: latent, step: index,
      guidance: options.guidance)
    let start = Step(embedding: embedding, latent: latent)
    let limit = options.stoppingLoss(at: index)
    switch options.optimizer {
    case .adam:
      return try withAdam(start, landing, target, index, limit, innerSteps, afterEach)
    case .adamTestingFirst:
      return try withAdamTestingFirst(start, landing, target, index, limit, innerSteps, afterEach)
    case .conjugateDirections:
      return try withConjugateDirections(start, landing, target, limit, innerSteps, afterEach)
    }
  }

  /// A fresh Adam for each step; its learning rate falls by a hundredth of its start from step to step.
  private func adam(for index: Int) -> Adam { Adam(learningRate: 0.01 * (1 - Double(index) / 100)) }

  /// As published: after each update the loss measured before it is held against the limit.
  private func withAdam(
    _ start: Step, _ landing: Landing, _ target: Tensor, _ index: Int, _ limit: Double, _ innerSteps: Int,
    _ afterEach: (Int, Float) -> Void
  ) throws -> Step {
    var step = start
    var adam = adam(for: index)
    while step.updates < innerSteps {
      let (loss, gradient) = try valueAndGradient(at: step.embedding) { embedding in
        try landing(embedding).meanSquaredError(to: target)
      }
      adam.step(&step.embedding, gradient: gradient)
      step.losses.append(loss)
      step.loss = loss
      step.updates += 1
      afterEach(step.updates, loss)
      if Double(loss) < limit { break }
    }
    step.latent = try landing(Variable(step.embedding)).value
    return step
  }

  /// The loss is held against the limit before each update, and a low one makes none.
  ///
  /// The evaluation that measured it is then the step itself. Of all landings the nearest is kept.
  private func withAdamTestingFirst(
    _ start: Step, _ landing: Landing, _ target: Tensor, _ index: Int, _ limit: Double, _ innerSteps: Int,
    _ afterEach: (Int, Float) -> Void
  ) throws -> Step {
    var step = start
    var embedding = start.embedding
    var adam = adam(for: index)
    while true {
      let (loss, latent, gradient) = try measured(embedding, landing, target)
      _ = step.keepBetter(embedding, latent, loss)
      if Double(loss) < limit || step.updates == innerSteps { return step }
      adam.step(&embedding, gradient: gradient())
      step.updates += 1
      afterEach(step.updates, loss)
    }
  }

  /// Conjugate directions (Polak and Ribière), each with an exact step.
  ///
  /// The loss is quadratic in the prediction, and the prediction nearly linear in the embedding close by. So one more
  /// evaluation a little way along a direction tells how the error r changes, and the best way to go is
  /// −⟨r, Δr⟩ / ⟨Δr, Δr⟩ of that. A step that makes the loss worse all the same is taken back.
  private func withConjugateDirections(
    _ start: Step, _ landing: Landing, _ target: Tensor, _ limit: Double, _ innerSteps: Int,
    _ afterEach: (Int, Float) -> Void
  ) throws -> Step {
    var best = start
    var embedding = start.embedding
    var (direction, lastGradient): (Tensor?, Tensor?) = (nil, nil)
    while true {
      let (loss, latent, gradientOnce) = try measured(embedding, landing, target)
      let isBetter = best.keepBetter(embedding, latent, loss)
      if Double(loss) < limit || best.updates == innerSteps || !isBetter { break }

      let gradient = gradientOnce()
      let slope = gradient.dot(gradient)
      guard slope > 0 else { break }
      var next = gradient * -1
      if let direction, let lastGradient {
        let share = max(0, (slope - gradient.dot(lastGradient)) / lastGradient.dot(lastGradient))
        next = .combination(1, next, Float(share), direction)
      }
      (direction, lastGradient) = (next, gradient)
      // A hundredth of the embedding's own size: far enough to rise above rounding, near enough to be linear.
      let reach = Float(0.01 * embedding.norm / next.norm)
      let probe = try landing(Variable(.combination(1, embedding, reach, next))).value
      let (error, change) = (latent - target, probe - latent)
      let length = change.dot(change)
      guard length > 0 else { break }
      let share = Float(-error.dot(change) / length)
      embedding = .combination(1, embedding, reach * share, next)
      best.updates += 1
      afterEach(best.updates, loss)
    }
    return best
  }

  /// The loss and the landing of an embedding, and its gradient if it should be wanted.
  private func measured(
    _ embedding: Tensor, _ landing: Landing, _ target: Tensor
  ) throws -> (loss: Float, latent: Tensor, gradient: () -> Tensor) {
    var latent = target
    let (loss, gradient) = try valueAndPullback(at: embedding) { embedding in
      let landed = try landing(embedding)
      latent = landed.value
      return landed.meanSquaredError(to: target)
    }
    return (loss, latent, gradient)
  }
}

/// Where the guided step from one latent leads to, as a function of the null embedding.
struct Landing {
  let predictor: NoisePredictor
  let stem: Stem
  let text: Variable
  let latent: Tensor
  let step: Int
  let guidance: Double

  func callAsFunction(_ embedding: Variable) throws -> Variable {
    let null = try predictor.prediction(stem, predictor.unet.context(embedding))
    let prediction = predictor.guided(null: null, text: text, guidance: guidance)
    return predictor.sampler.denoised(Variable(latent), prediction: prediction, step: step)
  }
}
