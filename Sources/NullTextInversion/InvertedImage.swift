public import DiffusionCore
public import Tensor

/// A picture that has been inverted, ready to be edited as often as one likes.
///
/// It remembers what edits ask of the source, up to a gibibyte, so that a second edit costs less than the
/// first.
public struct InvertedImage: Sendable {
  /// The path through the model, as plain data.
  public let inversion: Inversion
  /// The network evaluations that the inversion took; none if it was read from a file.
  public let evaluations: EvaluationCount

  private let editor: ImageEditor
  private let source: SourceBranch

  init(editor: ImageEditor, inversion: Inversion, evaluations: EvaluationCount) {
    self.editor = editor
    self.inversion = inversion
    self.evaluations = evaluations
    source = SourceBranch(inversion)
  }

  /// The picture that the guided walk leads back to.
  public func reconstruction() async throws -> RGBImage {
    try await compute { [inversion] model in model.decode(inversion.trajectory[inversion.stepCount]) }
  }

  /// The picture as the autoencoder alone gives it back: no inversion can do better.
  public func autoencoded() async throws -> RGBImage {
    try await compute { [inversion] model in model.decode(inversion.latent) }
  }

  /// The picture that plain DDIM makes of the last pivot under guidance, with the empty text's embedding in every step.
  ///
  /// What inversion without optimisation would give, at 2T evaluations.
  ///
  /// - Throws: `CancellationError`.
  public func ddimReconstruction() async throws -> RGBImage {
    try await compute { [inversion] model in
      let sampler = try DDIM(model.schedule, stepCount: inversion.stepCount)
      let predictor = NoisePredictor(unet: model.unet, sampler: sampler)
      let null = model.unet.context(try model.embedding(of: ""))
      let text = model.unet.context(try model.embedding(of: inversion.caption))
      var latent = inversion.pivots[inversion.stepCount]
      for (index, timestep) in sampler.timesteps.enumerated() {
        let stem = try predictor.stem(latent, at: timestep)
        let prediction = predictor.guided(
          null: try predictor.prediction(stem, null), text: try predictor.prediction(stem, text),
          guidance: inversion.guidance)
        latent = sampler.denoised(latent, prediction: prediction.value, step: index)
      }
      return model.decode(latent)
    }
  }

  /// Edits the picture by walking its path with another prompt.
  ///
  /// - Parameter prompt: the caption with some words replaced, or with words added or left out.
  /// - Throws: `InputError` before any evaluation if the prompt or an option cannot be used; `CancellationError`.
  public func edit(
    prompt: String, options: EditOptions = EditOptions(), progress: ProgressHandler? = nil
  ) async throws -> EditedImage {
    try await edit(prompts: [prompt], options: options, progress: progress)[0]
  }

  /// Edits the picture with several prompts, asking the source only once for all of them.
  ///
  /// - Returns: one edit for each prompt, in their order; the evaluations of each are those of the whole call.
  /// - Throws: `InputError` before any evaluation if a prompt or an option cannot be used; `CancellationError`.
  public func edit(
    prompts: [String], options: EditOptions = EditOptions(), progress: ProgressHandler? = nil
  ) async throws -> [EditedImage] {
    try await compute { [self] model in
      try options.validate()
      let before = model.unet.counter.total
      let paths = try EditSampler(model: model, source: source, progress: progress).sample(
        prompts, options: options)
      let evaluations = model.unet.counter.total - before
      return zip(prompts, paths).map { prompt, path in
        EditedImage(
          image: model.decode(path.latents[inversion.stepCount]), prompt: prompt, options: options,
          mask: path.mask,
          evaluations: evaluations, latents: path.latents, source: inversion, editor: editor)
      }
    }
  }

  /// Where the words of the caption look in the picture along its path: one evaluation a step.
  ///
  /// - Throws: `CancellationError`.
  public func attentionMaps(progress: ProgressHandler? = nil) async throws -> AttentionMaps {
    try await compute { [self] model in
      try EditSampler(model: model, source: source, progress: progress).sourceMaps()
    }
  }

  /// Where the words of another prompt look while it edits the picture, as the edit made them.
  ///
  /// - Throws: as `edit(prompt:options:)`.
  public func attentionMaps(
    prompt: String, options: EditOptions = EditOptions(), progress: ProgressHandler? = nil
  ) async throws -> AttentionMaps {
    try await compute { [self] model in
      try options.validate()
      let collector = AttentionMapCollector()
      let sampler = EditSampler(model: model, source: source, progress: progress)
      _ = try sampler.sample([prompt], options: options, collector: collector)
      return collector.maps(of: PromptWords(try model.tokenizer.encode(prompt)))
    }
  }

  /// `edit(prompt:options:)` as a sequence of updates; leaving the loop cancels it.
  public func editUpdates(
    prompt: String, options: EditOptions = EditOptions()
  ) -> AsyncThrowingStream<EditorUpdate<EditedImage>, any Error> {
    updates { try await edit(prompt: prompt, options: options, progress: $0) }
  }

  private func compute<Result: Sendable>(
    _ work: @escaping @Sendable (DiffusionModel) throws -> Result
  ) async throws -> Result {
    let model = editor.model
    return try await editor.compute.run { try work(model) }
  }
}

/// An edited picture, and what made it.
public struct EditedImage: Sendable {
  /// The picture.
  public let image: RGBImage
  /// The prompt it was made with.
  public let prompt: String
  /// The options it was made with: the recipe.
  public let options: EditOptions
  /// Where local blend let the picture change, height x width of the latent; nil without one.
  public let mask: Tensor?
  /// The network evaluations of the call that made it.
  public let evaluations: EvaluationCount

  let latents: [Tensor]
  let source: Inversion
  let editor: ImageEditor

  /// This picture as the source of further edits: its path is the source's, its prompt the caption.
  public var inverted: InvertedImage {
    var inversion = source
    inversion.caption = prompt
    inversion.options.guidance = options.guidance ?? source.guidance
    inversion.trajectory = latents
    // Thresholded guidance leads back to the pivots: to this picture, not to the one before.
    inversion.pivots = latents.reversed()
    return InvertedImage(editor: editor, inversion: inversion, evaluations: EvaluationCount())
  }
}
