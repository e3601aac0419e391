internal import DiffusionCore
internal import Tensor

/// The way down: per step, fits the null embedding so that the guided step lands on the next pivot (Mokady et al. 2022,
/// algorithm 1, with the constants of its published code).
///
/// Each step starts with the embedding that the step before ended with and with a fresh Adam, whose learning rate is
/// 0.01 (1 − i/100). After each update the loss measured before it is held against ε₀ + 2·10⁻⁵ i.
struct NullTextOptimizer {
  let predictor: NoisePredictor
  let caption: TextContext
  let guidance: Double
  let innerSteps: Int
  let earlyStop: Double

  /// What one step gives.
  struct Step {
    var embedding: Tensor
    /// The latent that the guided step leads to with the fitted embedding.
    var latent: Tensor
    /// The losses, each measured before its update.
    var losses: [Float]
  }

  /// Makes step `index`, counted from the noisiest.
  ///
  /// - Parameters:
  ///   - latent: the walk so far.
  ///   - embedding: the null embedding to start from.
  ///   - target: the pivot to land on.
  ///   - afterEach: hears of each inner iteration and its loss.
  func step(
    _ index: Int, from latent: Tensor, embedding: Tensor, target: Tensor,
    afterEach: (_ innerStep: Int, _ loss: Float) -> Void = { _, _ in }
  ) throws -> Step {
    let timestep = predictor.sampler.timesteps[index]
    let stem = try predictor.stem(latent, at: timestep)
    let text = try predictor.prediction(stem, caption)
    var step = Step(embedding: embedding, latent: latent, losses: [])

    /// The latent that the guided step leads to with a null embedding.
    func landing(_ embedding: Variable) throws -> Variable {
      let null = try predictor.prediction(stem, predictor.unet.context(embedding))
      let prediction = predictor.guided(null: null, text: text, guidance: guidance)
      return predictor.sampler.denoised(Variable(latent), prediction: prediction, at: timestep)
    }

    var adam = Adam(learningRate: 0.01 * (1 - Double(index) / 100))
    while step.losses.count < innerSteps {
      let (loss, gradient) = try valueAndGradient(at: step.embedding) { embedding in
        try landing(embedding).meanSquaredError(to: target)
      }
      adam.step(&step.embedding, gradient: gradient)
      step.losses.append(loss)
      afterEach(step.losses.count, loss)
      if Double(loss) < earlyStop + 2e-5 * Double(index) { break }
    }
    step.latent = try landing(Variable(step.embedding)).value
    return step
  }
}
