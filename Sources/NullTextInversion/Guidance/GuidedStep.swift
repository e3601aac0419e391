internal import DiffusionCore
internal import Tensor

/// One sampling step with classifier-free guidance.
///
/// The guided prediction is ε = ε∅ + w (ε_text − ε∅) (Ho and Salimans 2022); the sampler computes the next latent
/// from it. Generation, inversion and reconstruction use this type. It is a value type like its sampler: a copy
/// continues independently.
struct GuidedStep {
  let predictor: NoisePredictor
  private(set) var sampler: any Sampler
  /// The guidance scale w.
  let guidance: Double

  /// Creates a step for a network, a sampler and a guidance scale.
  ///
  /// - Parameter condition: The extra input channels of an inpainting model; nil for other models.
  init(_ unet: UNet, condition: Tensor? = nil, sampler: any Sampler, guidance: Double) {
    predictor = NoisePredictor(unet: unet, condition: condition)
    self.sampler = sampler
    self.guidance = guidance
  }

  /// Validates a guidance scale: 0 to 100.
  static func validate(guidance: Double) throws(InputError) {
    try InputError.require(
      (0...100).contains(guidance), "The guidance scale is \(guidance), but must be between 0 and 100.")
  }

  /// Returns the latent after step `index`: two evaluations that share one stem.
  mutating func callAsFunction(
    _ index: Int, from latent: Tensor, null: TextContext, text: TextContext
  ) throws -> Tensor {
    let predictions = try predictor.predictions(
      latent, at: sampler.timesteps[index], [.init(context: null), .init(context: text)])
    return try landing(index, from: Variable(latent), null: predictions[0], text: predictions[1]).value
  }

  /// Returns the latent after step `index` when both branches have the same text and guidance cancels: one
  /// evaluation.
  mutating func unguided(_ index: Int, from latent: Tensor, text: TextContext) throws -> Tensor {
    let stem = try predictor.stem(latent, at: sampler.timesteps[index])
    let prediction = try predictor.prediction(stem, text).value
    return try finite(sampler.denoised(latent, prediction: prediction, step: index), after: index)
  }

  /// Returns the latent after the step for the given predictions; differentiable if either prediction is.
  mutating func landing(
    _ index: Int, from latent: Variable, null: Variable, text: Variable
  ) throws(InputError) -> Variable {
    let prediction = Variable.combination(Float(1 - guidance), null, Float(guidance), text)
    let next = sampler.denoised(latent, prediction: prediction, step: index)
    _ = try finite(next.value, after: index)
    return next
  }

  private func finite(_ latent: Tensor, after index: Int) throws(InputError) -> Tensor {
    try latent.requireFinite("The latent after step \(index + 1) of \(sampler.stepCount)")
  }
}

extension InvertibleSampler {
  /// Returns the factor of the null prediction in a guided step, c (1 − w), where c is the sampler's factor of the
  /// prediction.
  func nullFactor(step index: Int, guidance: Double) -> Double {
    downward(step: index).prediction * (1 - guidance)
  }
}
