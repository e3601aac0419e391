internal import DiffusionCore
internal import Tensor

/// Fits the null embedding of one step so that the guided step lands on the next pivot.
///
/// Mokady et al. 2022, algorithm 1, and three faster variants.
struct NullTextOptimizer {
  let settings: NullText
  /// The length of a probe along a direction, relative to the embedding's norm: long enough to exceed rounding, short enough for
  /// the prediction to be linear.
  var reach: Float = 0.01

  /// The results of one step.
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
    mutating func keepBetter(_ embedding: Tensor, _ landed: Tensor, _ measured: Float) -> Bool {
      losses.append(measured)
      if let loss, measured >= loss || measured.isNaN { return false }
      (self.embedding, latent, loss) = (embedding, landed, measured)
      return true
    }
  }

  /// Fits the embedding of step `index`, counted from the noisiest.
  ///
  /// - Parameters:
  ///   - embedding: the null embedding to start from.
  ///   - innerSteps: the most updates.
  ///   - penalty: what Gauss-Newton adds to the loss.
  ///   - afterEach: called after each update with the loss before it.
  func fit(
    _ loss: NullTextLoss, step index: Int, from embedding: Tensor, innerSteps: Int,
    penalty: EmbeddingPenalty? = nil, afterEach: (_ innerStep: Int, _ loss: Float) -> Void = { _, _ in }
  ) throws -> Step {
    let start = Step(embedding: embedding, latent: loss.target)
    let limit = settings.stoppingLoss(at: index)
    return switch settings.optimizer {
    case .adam: try withAdam(start, loss, index, limit, innerSteps, afterEach)
    case .adamTestingFirst: try withAdamTestingFirst(start, loss, index, limit, innerSteps, afterEach)
    case .conjugateDirections: try withConjugateDirections(start, loss, limit, innerSteps, afterEach)
    case .gaussNewton: try withGaussNewton(start, loss, limit, innerSteps, penalty, afterEach)
    }
  }

  /// A fresh Adam for each step; its learning rate falls by a hundredth of its start from step to step.
  private func adam(for index: Int) -> Adam { Adam(learningRate: 0.01 * (1 - Double(index) / 100)) }

  /// As published: after each update, the loss measured before it is compared with the limit.
  private func withAdam(
    _ start: Step, _ loss: NullTextLoss, _ index: Int, _ limit: Double, _ innerSteps: Int,
    _ afterEach: (Int, Float) -> Void
  ) throws -> Step {
    var step = start
    var adam = adam(for: index)
    while step.updates < innerSteps {
      let (value, gradient) = try valueAndGradient(at: step.embedding) { try loss($0) }
      adam.step(&step.embedding, gradient: gradient)
      step.losses.append(value)
      step.loss = value
      step.updates += 1
      afterEach(step.updates, value)
      if Double(value) < limit { break }
    }
    step.latent = try loss.landing(step.embedding)
    return step
  }

  /// The loss is compared with the limit before each update, and a low one makes none.
  ///
  /// The evaluation that measured it is then the step itself. Of all landings the nearest is kept.
  private func withAdamTestingFirst(
    _ start: Step, _ loss: NullTextLoss, _ index: Int, _ limit: Double, _ innerSteps: Int,
    _ afterEach: (Int, Float) -> Void
  ) throws -> Step {
    var step = start
    var embedding = start.embedding
    var adam = adam(for: index)
    while true {
      let (value, landed, gradient) = try loss.measured(embedding)
      _ = step.keepBetter(embedding, landed, value)
      if Double(value) < limit || step.updates == innerSteps { return step }
      adam.step(&embedding, gradient: gradient())
      step.updates += 1
      afterEach(step.updates, value)
    }
  }

  /// Conjugate directions (Polak and Ribière), each with an exact step.
  ///
  /// The loss is quadratic in the prediction, and the prediction nearly linear in the embedding close by. So one more
  /// evaluation a little way along a direction tells how the error r changes, and the best step length is
  /// −⟨r, Δr⟩ / ⟨Δr, Δr⟩ of that. A step that makes the loss worse all the same is taken back.
  private func withConjugateDirections(
    _ start: Step, _ loss: NullTextLoss, _ limit: Double, _ innerSteps: Int, _ afterEach: (Int, Float) -> Void
  ) throws -> Step {
    var best = start
    var embedding = start.embedding
    var (direction, lastGradient): (Tensor?, Tensor?) = (nil, nil)
    while true {
      let (value, landed, gradientOnce) = try loss.measured(embedding)
      let isBetter = best.keepBetter(embedding, landed, value)
      if Double(value) < limit || best.updates == innerSteps || !isBetter { break }

      let gradient = gradientOnce()
      let slope = gradient.dot(gradient)
      guard slope > 0 else { break }
      var next = gradient * -1
      if let direction, let lastGradient {
        let share = max(0, (slope - gradient.dot(lastGradient)) / lastGradient.dot(lastGradient))
        next = .combination(1, next, Float(share), direction)
      }
      (direction, lastGradient) = (next, gradient)
      let reach = reach(along: next, from: embedding)
      let probe = try loss.landing(.combination(1, embedding, reach, next))
      let (error, change) = (landed - loss.target, probe - landed)
      let length = change.dot(change)
      guard length > 0 else { break }
      let share = Float(-error.dot(change) / length)
      embedding = .combination(1, embedding, reach * share, next)
      best.updates += 1
      afterEach(best.updates, value)
    }
    return best
  }
}
