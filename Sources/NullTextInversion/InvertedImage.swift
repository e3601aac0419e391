public import DiffusionCore
internal import Tensor

/// An inverted image that can be edited any number of times.
///
/// It caches the source attention that edits read, up to ``MemoryLimits/sourceAttention`` bytes, so that later edits
/// cost fewer evaluations.
public struct InvertedImage: Sendable {
  /// The inversion as plain data: trajectory, pivots, null embeddings and options.
  public let inversion: Inversion
  /// The network evaluations that the inversion took; zero if it was opened, or derived from another inversion.
  public let evaluations: EvaluationCount
  /// Whether an existing inversion was opened, for example from a file, instead of computed.
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

  /// Decodes the end of the guided trajectory: the reconstruction of the source image.
  ///
  /// - Throws: `CancellationError`.
  public func reconstruction() async throws -> RGBImage {
    try await compute { [reconstructed] model in try reconstructed.picture(model) }
  }

  /// Decodes the encoded source latent without any sampling.
  ///
  /// No inversion can reproduce the image better than the autoencoder.
  ///
  /// - Throws: `CancellationError`.
  public func autoencoded() async throws -> RGBImage {
    try await compute { [inversion] model in try model.decode(inversion.latent) }
  }

  /// Samples from the last pivot with plain DDIM, at the inversion's guidance scale and with the embedding of the
  /// empty text as the null embedding of all steps.
  ///
  /// This is the reconstruction of an inversion without optimization. It takes 2T evaluations for T steps.
  ///
  /// - Throws: `CancellationError`.
  public func ddimReconstruction(progress: ProgressHandler? = nil) async throws -> RGBImage {
    try await compute { [inversion] model in
      let progress = CallProgress(model.counter, progress)
      let latent = try inversion.ddimLatent(model, progress)
      return try progress.autoencoder(.decoding, left: WorkRange()) { try model.decode(latent) }
    }
  }

  /// Edits the image with a new prompt.
  ///
  /// - Parameters:
  ///   - prompt: The caption with some words replaced, added or removed.
  ///   - options: The recipe of the edit.
  ///   - policy: A custom editing policy, used instead of `options.control`.
  ///   - progress: Called after every step, on the computing thread.
  /// - Throws: `InputError` before any evaluation if the prompt or an option cannot be used; `CancellationError`.
  public func edit(
    prompt: String, options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil,
    progress: ProgressHandler? = nil
  ) async throws -> EditedImage {
    try await edit(prompts: [prompt], options: options, policy: policy, progress: progress)[0]
  }

  /// Edits the image with several prompts and evaluates the source only once per step for all of them.
  ///
  /// - Returns: One edit per prompt, in the order of the prompts. The evaluation count of each edit is that of the
  ///   whole call.
  /// - Throws: `InputError` before any evaluation if a prompt or an option cannot be used; `CancellationError`.
  public func edit(
    prompts: [String], options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil,
    progress: ProgressHandler? = nil
  ) async throws -> [EditedImage] {
    try await compute { [self] model in
      try edits(prompts, options, policy, model, progress)
    }
  }

  /// Computes the cross-attention maps of the caption's words along the source trajectory: one evaluation per step.
  ///
  /// - Throws: `CancellationError`.
  public func attentionMaps(progress: ProgressHandler? = nil) async throws -> AttentionMaps {
    try await compute { [self] model in
      try EditSampler(model: model, source: source, progress: CallProgress(model.counter, progress))
        .sourceMaps()
    }
  }

  /// Edits the image and returns the cross-attention maps of the new prompt's words, as changed by the edit.
  ///
  /// - Throws: The errors of `edit(prompt:options:policy:progress:)`.
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
  /// Runs `edit(prompt:options:policy:progress:)` as an asynchronous sequence of updates.
  ///
  /// Leaving the loop cancels the edit.
  public func editUpdates(
    prompt: String, options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil
  ) -> EditorUpdates<EditedImage> {
    EditorUpdates(of: { try await edit(prompt: prompt, options: options, policy: policy, progress: $0) })
  }

  /// Runs `edit(prompts:options:policy:progress:)` as an asynchronous sequence of updates.
  ///
  /// Leaving the loop cancels the edits.
  public func editUpdates(
    prompts: [String], options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil
  ) -> EditorUpdates<[EditedImage]> {
    EditorUpdates(of: { try await edit(prompts: prompts, options: options, policy: policy, progress: $0) })
  }

  /// Runs `attentionMaps(progress:)` as an asynchronous sequence of updates.
  ///
  /// Leaving the loop cancels the computation.
  public func attentionMapUpdates() -> EditorUpdates<AttentionMaps> {
    EditorUpdates(of: { try await attentionMaps(progress: $0) })
  }

  /// Runs `attentionMaps(prompt:options:policy:progress:)` as an asynchronous sequence of updates.
  ///
  /// Leaving the loop cancels the edit.
  public func attentionMapUpdates(
    prompt: String, options: EditOptions = EditOptions(), policy: (any EditingPolicy)? = nil
  ) -> EditorUpdates<(edited: EditedImage, maps: AttentionMaps)> {
    EditorUpdates(of: {
      try await attentionMaps(prompt: prompt, options: options, policy: policy, progress: $0)
    })
  }
}

extension Inversion {
  /// Returns the latent that plain guided DDIM reaches from the last pivot.
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
