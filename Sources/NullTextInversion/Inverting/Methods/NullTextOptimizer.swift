internal import DiffusionCore
internal import Tensor

/// Optimizes the null embedding of one step so that the guided step reaches the next pivot.
///
/// It implements algorithm 1 of Mokady et al. 2022 and three faster variants.
struct NullTextOptimizer {
  let settings: NullText
  /// The length of a probe along a direction, relative to the embedding's norm.
  ///
  /// It must be large enough to exceed rounding errors and small enough for the prediction to be linear.
  var reach: Float = 0.01

  /// The result of one step.
  struct Step {
    var embedding: Tensor
    /// The latent after the guided step with the optimized embedding.
    var latent: Tensor
    /// The measured losses, in order; the published optimizer does not measure the loss after the last update.
    var losses: [Float] = []
    /// The loss to store: the last measured one, or that of `latent` if it was measured.
    var loss: Float?
    /// The number of updates.
    var updates = 0

    /// Accepts an embedding whose latent is closer to the pivot than all previous ones, and returns whether it is.
    mutating func keepBetter(_ embedding: Tensor, _ landed: Tensor, _ measured: Float) -> Bool {
      losses.append(measured)
      if let loss, measured >= loss || measured.isNaN { return false }
      (self.embedding, latent, loss) = (embedding, landed, measured)
      return true
    }
  }

  /// Optimizes the embedding of step `index`, counted from the noisiest.
  ///
  /// - Parameters:
  ///   - embedding: The initial null embedding.
  ///   - innerSteps: The maximum number of updates.
  ///   - penalty: The penalty that Gauss-Newton adds to the loss.
  ///   - afterEach: Called after each update with the loss before it.
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

  /// Returns a new Adam optimizer for a step; its learning rate decreases by 1 % of the initial value with each step.
  private func adam(for index: Int) -> Adam { Adam(learningRate: 0.01 * (1 - Double(index) / 100)) }

  /// The published optimizer: after each update, the loss before the update is compared with the limit.
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

  /// Adam with the loss tested before each update, so that a step with a low loss needs no update.
  ///
  /// The evaluation that measures the loss then already gives the step's latent. The embedding with the lowest loss
  /// is kept.
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

  /// Conjugate directions (Polak and Ribière) with exact line search.
  ///
  /// The loss is quadratic in the prediction, and the prediction is nearly linear in the embedding near the current
  /// point. One additional evaluation at a small distance along a direction therefore gives the change Δr of the
  /// error r, and the best step length is −⟨r, Δr⟩ / ⟨Δr, Δr⟩ times this distance. A step that increases the loss
  /// anyway is discarded.
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
