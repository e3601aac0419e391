internal import DiffusionCore
internal import Tensor

/// The loss of null-text inversion in one step, as a function of the null embedding ∅.
///
/// Mokady et al. 2022, equation 3: ‖z*_{t−1} − z_{t−1}(z_t, ∅, C)‖², as a mean, between the pivot and the latent that the
/// guided step leads to. The stem and the caption's prediction do not depend on ∅ and are evaluated once.
struct NullTextLoss {
  private let step: GuidedStep
  private let index: Int
  private let latent: Variable
  private let stem: Stem
  private let text: Variable
  /// The pivot that the step should land on.
  let target: Tensor

  /// - Parameters:
  ///   - index: the step, counted from the noisiest.
  ///   - latent: the latent before the step.
  init(_ step: GuidedStep, _ index: Int, from latent: Tensor, caption: TextContext, target: Tensor) throws {
    self.step = step
    self.index = index
    self.latent = Variable(latent)
    self.target = target
    stem = try step.predictor.stem(latent, at: step.sampler.timesteps[index])
    text = try step.predictor.prediction(stem, caption)
  }

  /// The loss at an embedding, tokens x channels.
  func callAsFunction(_ embedding: Variable) throws -> Variable {
    try landing(embedding).meanSquaredError(to: target)
  }

  /// The latent that the guided step leads to with an embedding.
  func landing(_ embedding: Variable) throws -> Variable {
    var step = step
    let null = try step.predictor.prediction(stem, step.predictor.unet.context(embedding))
    return try step.landing(index, from: latent, null: null, text: text)
  }

  /// The latent that the guided step leads to with an embedding.
  func landing(_ embedding: Tensor) throws -> Tensor { try landing(Variable(embedding)).value }

  /// The landing of an embedding, and on demand Jᵀ w / N for a weight w of its N numbers, which can be asked for once.
  ///
  /// With the error as the weight this is half the gradient of the loss.
  ///
  /// - Parameter weight: given the landing.
  func linearized(
    at embedding: Tensor, _ weight: (Tensor) -> Tensor
  ) throws -> (landing: Tensor, weight: Tensor, product: () -> Tensor) {
    var weights = target
    // The gradient of a mean squared error is 2 / N times the difference, here the weight.
    let (_, landed, gradient) = try taped(at: embedding) {
      weights = weight($0)
      return $0 - weights
    }
    return (landed, weights, { gradient() * 0.5 })
  }

  /// The loss and the landing of an embedding, and the gradient on demand, which can be asked for once.
  func measured(_ embedding: Tensor) throws -> (loss: Float, landing: Tensor, gradient: () -> Tensor) {
    try taped(at: embedding) { _ in target }
  }

  /// The mean squared difference between the landing of an embedding and a goal, which is given the landing.
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
