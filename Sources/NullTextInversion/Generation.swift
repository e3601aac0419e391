internal import DiffusionCore
internal import Tensor

/// Settings for generating an image from a prompt.
public struct GenerationOptions: Sendable, Hashable, Codable {
  /// The seed of the initial noise; it gives the same numbers as `torch.manual_seed` on a CPU.
  public var seed: UInt64
  /// The number of sampling steps.
  public var steps: Int
  /// The guidance scale, 0 to 100; at 1 the negative prompt has no effect and is not evaluated.
  public var guidance: Double
  /// A description of what the image should not show; may be empty.
  public var negativePrompt: String
  /// The sampler.
  public var sampler: SamplerName
  /// The size of the image in pixels, a multiple of the model's size unit; nil for the size that the model was
  /// trained on.
  public var size: PixelSize?

  /// Creates options; the defaults are 50 DDIM steps at guidance scale 7.5 and the model's own size.
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

  /// Validates the options that do not depend on the model; the model limits the number of steps.
  ///
  /// - Throws: `InputError(.outOfRange)` with the valid range.
  public func validate() throws(InputError) { try GuidedStep.validate(guidance: guidance) }
}

/// Generates images from prompts: the synchronous core of `ImageEditor.generate`.
struct Generation {
  let model: DiffusionModel
  let options: GenerationOptions
  let progress: CallProgress

  init(model: DiffusionModel, options: GenerationOptions, progress: ProgressHandler?) {
    self.model = model
    self.options = options
    self.progress = CallProgress(model.counter, progress)
  }

  /// Samples a latent for `prompt` and decodes it.
  ///
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
