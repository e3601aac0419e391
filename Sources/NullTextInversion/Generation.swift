internal import DiffusionCore
internal import Tensor

/// How a picture is made from words alone.
public struct GenerationOptions: Sendable, Hashable, Codable {
  /// The seed of the noise: the same numbers as `torch.manual_seed` on a CPU.
  public var seed: UInt64
  /// The number of sampling steps.
  public var steps: Int
  /// The strength of classifier-free guidance; at 1 the negative prompt has no effect and costs nothing.
  public var guidance: Double
  /// What the picture should not show; empty for nothing.
  public var negativePrompt: String
  /// The way from noise to picture.
  public var sampler: SamplerName
  /// The size of the picture, of multiples of the model's unit; nil for the size that the model was trained on.
  public var size: PixelSize?

  /// Options; the defaults are 50 steps of DDIM at guidance 7.5, at the model's own size.
  public init(
    seed: UInt64 = 0, steps: Int = 50, guidance: Double = 7.5, negativePrompt: String = "",
    sampler: SamplerName = .ddim, size: PixelSize? = nil
  ) {
    self.seed = seed
    self.steps = steps
    self.guidance = guidance
    self.negativePrompt = negativePrompt
    self.sampler = sampler
    self.size = size
  }

  /// Refuses what makes no sense whatever the model; the model decides how many steps there can be.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  public func validate() throws(InputError) { try GuidedStep.validate(guidance: guidance) }
}

/// Makes pictures from words alone: the synchronous core of `ImageEditor.generate`.
struct Generation {
  let model: DiffusionModel
  let options: GenerationOptions
  let progress: CallProgress

  init(model: DiffusionModel, options: GenerationOptions, progress: ProgressHandler?) {
    self.model = model
    self.options = options
    self.progress = CallProgress(model.counter, progress)
  }

  /// - Throws: `InputError` if a text or an option cannot be used; `CancellationError`.
  func picture(of prompt: String) throws -> RGBImage {
    let latent = try latent(of: prompt)
    return try progress.autoencoder(.decoding, left: WorkRange()) { try model.decode(latent) }
  }

  private func latent(of prompt: String) throws -> Tensor {
    try options.validate()
    let guidance = options.guidance
    if let size = options.size { try model.configuration.pictureSizes.check(size) }
    let (height, width) = model.configuration.latentSize(of: options.size ?? model.pictureSize)
    var random = RandomSource(seed: options.seed)
    var latent = random.normal(shape: [model.configuration.autoencoder.latentChannels, height, width])
      .channelsLast()
    let sampler = try options.sampler.sampler(model.schedule, stepCount: options.steps, noise: random)
    let embeddings = try model.embeddings(of: [prompt, options.negativePrompt])
    let unet = try model.unet
    let condition =
      model.configuration.isForInpainting
      ? try Inpainting.blank(options.size ?? model.pictureSize, model) : nil
    var step = GuidedStep(unet, condition: condition, sampler: sampler, guidance: guidance)
    let (text, null) = (unet.context(embeddings[0]), unet.context(embeddings[1]))
    for index in 0..<sampler.stepCount {
      latent =
        guidance == 1
        ? try step.unguided(index, from: latent, text: text)
        : try step(index, from: latent, null: null, text: text)
      let stepsLeft = sampler.stepCount - index - 1
      progress.report(
        .sampling, step: index + 1, of: sampler.stepCount,
        left: WorkRange(guidance == 1 ? .singleSteps(stepsLeft) : .guidedSteps(stepsLeft)))
    }
    return latent
  }
}
