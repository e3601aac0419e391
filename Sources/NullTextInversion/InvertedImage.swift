public import DiffusionCore
internal import Tensor

/// A picture that has been inverted, ready to be edited as often as one likes.
///
/// It remembers what edits read of the source, up to ``MemoryLimits/sourceAttention``, so that a second edit costs less
/// than the first.
public struct InvertedImage: Sendable {
  /// The path through the model, as plain data.
  public let inversion: Inversion
  /// The network evaluations that the inversion took; none if it was read from a file.
  public let evaluations: EvaluationCount
  /// Whether it was read from a file, and not made.
  public let isRead: Bool

  let editor: ImageEditor
  private let source: SourceBranch
  private let reconstructed: Reconstruction

  init(editor: ImageEditor, inversion: Inversion, evaluations: EvaluationCount, isRead: Bool = false) {
    self.editor = editor
    self.isRead = isRead
    self.inversion = inversion
    self.evaluations = evaluations
    source = SourceBranch(inversion, byteLimit: editor.memory.sourceAttention)
    reconstructed = Reconstruction(of: inversion)
  }

  /// The picture that the guided walk leads back to.
  ///
  /// - Throws: `CancellationError`.
  public func reconstruction() async throws -> RGBImage {
    try await compute { [reconstructed] model in try reconstructed.picture(model) }
  }

  /// The picture as the autoencoder alone gives it back: no inversion can do better.
  ///
  /// - Throws: `CancellationError`.
  public func autoencoded() async throws -> RGBImage {
    try await compute { [inversion] model in try model.decode(inversion.latent) }
  }

  /// The picture that plain DDIM makes of the last pivot under guidance, with the empty text's embedding in every step.
  ///
  /// What an inversion without optimisation would give, at 2T evaluations.
  ///
  /// - Throws: `CancellationError`.
  public func ddimReconstruction(progress: ProgressHandler? = nil) async throws -> RGBImage {
    try await compute { [inversion] model in
      let progress = CallProgress(model.counter, progress)
      let latent = try inversion.ddimLatent(model, progress)
      return try progress.autoencoder(.decoding, left: WorkRange()) { try model.decode(latent) }
    }
  }

  /// Edits the picture by walking its path with another prompt.
  ///
  /// - Parameters:
  ///   - prompt: the caption with some words replaced, or with words added or left out.
  ///   - policy: what keeps the picture together, in place of `options.control`: a program's own.
  /// - Throws: `InputError` before any evaluation if the prompt or an option cannot be used; `CancellationError`.
  public func edit(
    prompt: String, options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil,
    progress: ProgressHandler? = nil
  ) async throws -> EditedImage {
    try await edit(prompts: [prompt], options: options, policy: policy, progress: progress)[0]
  }

  /// Edits the picture with several prompts, asking the source only once for all of them.
  ///
  /// - Returns: one edit for each prompt, in their order; the evaluations of each are those of the whole call.
  /// - Throws: `InputError` before any evaluation if a prompt or an option cannot be used; `CancellationError`.
  public func edit(
    prompts: [String], options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil,
    progress: ProgressHandler? = nil
  ) async throws -> [EditedImage] {
    try await compute { [self] model in
      try edits(prompts, options, policy, model, progress)
    }
  }

  /// The attention to the words of the caption along the picture's path: one evaluation a step.
  ///
  /// - Throws: `CancellationError`.
  public func attentionMaps(progress: ProgressHandler? = nil) async throws -> AttentionMaps {
    try await compute { [self] model in
      try EditSampler(model: model, source: source, progress: CallProgress(model.counter, progress))
        .sourceMaps()
    }
  }

  /// Edits the picture, and gives the attention to the words of the new prompt as the edit made it.
  ///
  /// - Throws: as `edit(prompt:options:)`.
  public func attentionMaps(
    prompt: String, options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil,
    progress: ProgressHandler? = nil
  ) async throws -> (edited: EditedImage, maps: AttentionMaps) {
    try await compute { [self] model in
      let collector = AttentionMapCollector()
      let edited = try edits([prompt], options, policy, model, progress, collector)[0]
      return (edited, collector.maps(of: PromptWords(try model.tokenizer.encode(prompt))))
    }
  }

  private func edits(
    _ prompts: [String], _ options: EditOptions, _ policy: (any EditingPolicy)?, _ model: DiffusionModel,
    _ progress: ProgressHandler?, _ collector: AttentionMapCollector? = nil
  ) throws -> [EditedImage] {
    try options.validate()
    try policy?.validate()
    let before = model.counter.total
    let progress = CallProgress(model.counter, progress)
    let paths = try EditSampler(model: model, source: source, progress: progress).sample(
      prompts, options: options, policy: policy, collector: collector)
    let evaluations = model.counter.total - before
    return try zip(prompts, paths).enumerated().map { index, edit in
      let (prompt, path) = edit
      let left = WorkRange(NetworkWork(decodings: prompts.count - index - 1))
      let image = try progress.autoencoder(.decoding, left: left) {
        try model.decode(path.latents[inversion.stepCount])
      }
      return EditedImage(
        image: image, prompt: prompt, options: options,
        mask: path.mask.map { EditMask(ofLatent: $0, width: image.width, height: image.height) },
        evaluations: evaluations, latents: path.latents, source: inversion, reconstructed: reconstructed,
        editor: editor)
    }
  }

  private func compute<Result: Sendable>(
    _ work: @escaping @Sendable (DiffusionModel) throws -> Result
  ) async throws -> Result {
    let model = editor.model
    return try await editor.compute.run { try work(model) }
  }
}

extension InvertedImage {
  /// `edit(prompt:options:policy:)` as a sequence of updates; leaving the loop cancels it.
  public func editUpdates(
    prompt: String, options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil
  ) -> EditorUpdates<EditedImage> {
    EditorUpdates(of: { try await edit(prompt: prompt, options: options, policy: policy, progress: $0) })
  }

  /// `edit(prompts:options:policy:)` as a sequence of updates; leaving the loop cancels it.
  public func editUpdates(
    prompts: [String], options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil
  ) -> EditorUpdates<[EditedImage]> {
    EditorUpdates(of: { try await edit(prompts: prompts, options: options, policy: policy, progress: $0) })
  }

  /// `attentionMaps()` as a sequence of updates; leaving the loop cancels it.
  public func attentionMapUpdates() -> EditorUpdates<AttentionMaps> {
    EditorUpdates(of: { try await attentionMaps(progress: $0) })
  }

  /// `attentionMaps(prompt:options:policy:)` as a sequence of updates; leaving the loop cancels it.
  public func attentionMapUpdates(
    prompt: String, options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil
  ) -> EditorUpdates<(edited: EditedImage, maps: AttentionMaps)> {
    EditorUpdates(of: {
      try await attentionMaps(prompt: prompt, options: options, policy: policy, progress: $0)
    })
  }
}

extension Inversion {
  /// Where plain DDIM leads from the last pivot.
  fileprivate func ddimLatent(_ model: DiffusionModel, _ progress: CallProgress) throws -> Tensor {
    let embeddings = try model.embeddings(of: ["", caption])
    let unet = try model.unet
    var step = GuidedStep(
      unet, condition: condition, sampler: try sampler(model.schedule), guidance: guidance)
    let (null, text) = (unet.context(embeddings[0]), unet.context(embeddings[1]))
    var latent = pivots[stepCount]
    for index in 0..<stepCount {
      latent = try step(index, from: latent, null: null, text: text)
      progress.report(
        .sampling, step: index + 1, of: stepCount, left: WorkRange(.guidedSteps(stepCount - index - 1)))
    }
    return latent
  }
}
