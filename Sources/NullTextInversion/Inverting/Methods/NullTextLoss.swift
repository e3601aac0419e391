internal import DiffusionCore
internal import Tensor

/// The loss of null-text inversion in one step, as a function of the null embedding ∅.
///
/// It is the mean squared form of ‖z*_{t−1} − z_{t−1}(z_t, ∅, C)‖² (Mokady et al. 2022, equation 3), between the
/// pivot and the latent after the guided step. The stem and the caption's prediction do not depend on ∅ and are
/// evaluated once.
struct NullTextLoss {
  private let step: GuidedStep
  private let index: Int
  private let latent: Variable
  private let stem: Stem
  private let text: Variable
  /// The target pivot of the step.
  let target: Tensor

  /// Evaluates the stem and the caption's prediction.
  ///
  /// - Parameters:
  ///   - index: The step, counted from the noisiest.
  ///   - latent: The latent before the step.
  ///   - target: The pivot after the step.
  init(_ step: GuidedStep, _ index: Int, from latent: Tensor, caption: TextContext, target: Tensor) throws {
    self.step = step
    self.index = index
    self.latent = Variable(latent)
    self.target = target
    stem = try step.predictor.stem(latent, at: step.sampler.timesteps[index])
    text = try step.predictor.prediction(stem, caption)
  }

  /// Returns the loss of an embedding, tokens x channels.
  func callAsFunction(_ embedding: Variable) throws -> Variable {
    try landing(embedding).meanSquaredError(to: target)
  }

  /// Returns the latent after the guided step with an embedding.
  func landing(_ embedding: Variable) throws -> Variable {
    var step = step
    let null = try step.predictor.prediction(stem, step.predictor.unet.context(embedding))
    return try step.landing(index, from: latent, null: null, text: text)
  }

  /// Returns the latent after the guided step with an embedding.
  func landing(_ embedding: Tensor) throws -> Tensor { try landing(Variable(embedding)).value }

  /// Returns the latent after the guided step with an embedding, weights w for its N elements, and a function that
  /// computes Jᵀ w / N and can be called once.
  ///
  /// J is the derivative of the latent. If the weights are the error, the product is half the gradient of the loss.
  ///
  /// - Parameter weight: Computes the weights from the latent.
  func linearized(
    at embedding: Tensor, _ weight: (Tensor) -> Tensor
  ) throws -> (landing: Tensor, weight: Tensor, product: () -> Tensor) {
    var weights = target
    // The gradient of a mean squared error is 2 / N times the difference, which is the weight here.
    let (_, landed, gradient) = try taped(at: embedding) {
      weights = weight($0)
      return $0 - weights
    }
    return (landed, weights, { gradient() * 0.5 })
  }

  /// Returns the loss of an embedding, the latent after the guided step with it, and a function for the gradient,
  /// which can be called once.
  func measured(_ embedding: Tensor) throws -> (loss: Float, landing: Tensor, gradient: () -> Tensor) {
    try taped(at: embedding) { _ in target }
  }

  /// Returns the mean squared difference between the latent after the guided step and a goal computed from this
  /// latent, the latent, and a function for the gradient.
  private func taped(
    at embedding: Tensor, _ goal: (Tensor) -> Tensor
  ) throws -> (loss: Float, landing: Tensor, gradient: () -> Tensor) {
    var landed = target
    let (loss, gradient) = try valueAndPullback(at: embedding) { embedding in
      let variable = try landing(embedding)
      landed = variable.value
      return variable.meanSquaredError(to: goal(landed))
    }
    return (loss, landed, gradient)
  }
}
