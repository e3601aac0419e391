internal import DiffusionCore
internal import Tensor

/// One step from noise to picture under classifier-free guidance.
///
/// Ho and Salimans 2022: ε = ε∅ + w (ε_text − ε∅), then the sampler's step. Generation, inversion and reconstruction make
/// their steps here. A value, because its sampler is one: a copy continues on its own.
struct GuidedStep {
  let predictor: NoisePredictor
  private(set) var sampler: any Sampler
  /// The strength w of guidance.
  let guidance: Double

  /// - Parameter condition: what an inpainting model reads beside the latent.
  init(_ unet: UNet, condition: Tensor? = nil, sampler: any Sampler, guidance: Double) {
    predictor = NoisePredictor(unet: unet, condition: condition)
    self.sampler = sampler
    self.guidance = guidance
  }

  /// Throws unless a strength of guidance makes sense.
  static func validate(guidance: Double) throws(InputError) {
    try InputError.require((0...100).contains(guidance), "guidance \(guidance): ask for 0 to 100.")
  }

  /// The latent after step `index`: two evaluations over one stem.
  mutating func callAsFunction(
    _ index: Int, from latent: Tensor, null: TextContext, text: TextContext
  ) throws -> Tensor {
    let predictions = try predictor.predictions(
      latent, at: sampler.timesteps[index], [.init(context: null), .init(context: text)])
    return try landing(index, from: Variable(latent), null: predictions[0], text: predictions[1]).value
  }

  /// The latent after step `index` where both branches would read the same text and guidance cancels: one evaluation.
  mutating func unguided(_ index: Int, from latent: Tensor, text: TextContext) throws -> Tensor {
    let stem = try predictor.stem(latent, at: sampler.timesteps[index])
    let prediction = try predictor.prediction(stem, text).value
    return try finite(sampler.denoised(latent, prediction: prediction, step: index), after: index)
  }

  /// The latent that two predictions lead to; tracked if one of them is.
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
  /// The factor of the null prediction in a guided step, c (1 − w) with the sampler's factor c of the prediction.
  func nullFactor(step index: Int, guidance: Double) -> Double {
    downward(step: index).prediction * (1 - guidance)
  }
}
