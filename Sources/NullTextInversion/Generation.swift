internal import DiffusionCore
internal import Tensor

/// Makes pictures from words alone.
struct Generation {
  private let model: DiffusionModel
  private let sampler: DDIM
  private let guidance: Double

  init(model: DiffusionModel, steps: Int, guidance: Double) throws {
    self.model = model
    self.guidance = guidance
    sampler = try DDIM(model.schedule, stepCount: steps)
    guard guidance.isFinite, (0...100).contains(guidance) else {
      throw InputError(.outOfRange, "guidance \(guidance): ask for 0 to 100.")
    }
  }

  func picture(of prompt: String, seed: UInt64, progress: ProgressHandler?) throws -> RGBImage {
    let predictor = NoisePredictor(unet: model.unet, sampler: sampler)
    let (null, text) = (
      model.unet.context(try model.embedding(of: "")), model.unet.context(try model.embedding(of: prompt))
    )
    let (height, width) = model.unet.configuration.sampleSize
    var random = RandomSource(seed: seed)
    let shape = [model.unet.configuration.inChannels, height, width]
    var latent = random.normal(shape: shape).channelsLast()
    let reporter = ProgressReporter(.sampling, stepCount: sampler.stepCount, since: .now, progress)
    for (index, timestep) in sampler.timesteps.enumerated() {
      let stem = try predictor.stem(latent, at: timestep)
      let prediction = predictor.guided(
        null: try predictor.prediction(stem, null), text: try predictor.prediction(stem, text),
        guidance: guidance)
      latent = sampler.denoised(latent, prediction: prediction.value, step: index)
      reporter.report(step: index + 1)
    }
    return model.decode(latent)
  }
}
