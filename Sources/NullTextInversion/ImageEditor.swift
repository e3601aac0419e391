public import DiffusionCore
internal import Foundation
internal import Tensor

/// Inverts and edits photos with one diffusion model.
///
/// ```swift
/// let editor = try await ImageEditor(model: .directory(modelURL))
/// let photo = try RGBImage(contentsOf: photoURL)
/// let inverted = try await editor.invert(image: photo, caption: "a cat sitting next to a mirror")
/// let tiger = try await inverted.edit(prompt: "a tiger sitting next to a mirror")
/// try tiger.image.write(to: outURL)
/// ```
///
/// The calls of one editor run one at a time on a dedicated thread, and can be cancelled: <doc:ThreadsAndTasks>.
public final class ImageEditor: Sendable {
  /// The model that runs all computations.
  public let model: DiffusionModel

  /// The limits of the editor's caches, and its model options.
  public let memory: MemoryLimits

  /// The edit settings that the model's folder recommends.
  ///
  /// They are not applied automatically; the defaults of all options are the published ones.
  public let recommendation: EditingRecommendation

  let compute = ComputeQueue()

  /// Reads a model.
  ///
  /// - Parameters:
  ///   - source: The location of the checkpoint.
  ///   - memory: The memory limits of the model and of edits.
  ///   - progress: Called after each network is read, on the computing thread.
  /// - Throws: `InputError` if the model is missing, damaged or unsupported; `CancellationError`.
  public convenience init(
    model source: ModelSource, memory: MemoryLimits = MemoryLimits(), progress: ProgressHandler? = nil
  ) async throws {
    try await self.init(
      memory: memory, progress: progress, checkpoint: { try Checkpoint(source, options: memory.model) })
  }

  /// Reads the model of a checkpoint, with the model options of `memory`.
  package convenience init(
    _ checkpoint: Checkpoint, memory: MemoryLimits = MemoryLimits(), progress: ProgressHandler? = nil
  ) async throws {
    try await self.init(memory: memory, progress: progress, checkpoint: { checkpoint })
  }

  private init(
    memory: MemoryLimits, progress: ProgressHandler?, checkpoint: @escaping @Sendable () throws -> Checkpoint
  ) async throws {
    self.memory = memory
    memory.apply()
    let model = try await compute.run {
      let start = ContinuousClock.now
      return try DiffusionModel(checkpoint(), options: memory.model) { count in
        let share = Double(count) / Double(DiffusionModel.partCount)
        progress?(
          EditorProgress(
            phase: .loading, step: count, stepCount: DiffusionModel.partCount,
            elapsed: ContinuousClock.now - start, fraction: share))
      }
    }
    self.model = model
    recommendation = try EditingRecommendation(model.checkpoint)
  }

  /// Inverts a photo: finds the trajectory of latents and the null embeddings that reproduce it.
  ///
  /// - Parameters:
  ///   - image: The photo, at least 16 pixels on each side. `options.framing` determines how it is cropped or fitted.
  ///   - caption: A description of the photo. It must name everything that edits will change.
  ///   - options: The method and its settings; the defaults are those of null-text inversion.
  ///   - mask: The region that may change. Required by inpainting models; other models accept a mask only in edits.
  ///   - files: The files for the result and for the unfinished inversion; nil to write no files.
  ///   - progress: Called after every step, on the computing thread.
  /// - Returns: The inversion, ready for edits.
  /// - Throws: `InputError` before any evaluation if the photo, the caption, an option or a file cannot be used, or
  ///   if the file of the unfinished inversion was started with other arguments; `CancellationError`.
  public func invert(
    image: RGBImage, caption: String, options: InversionOptions = InversionOptions(), mask: EditMask? = nil,
    files: InversionFiles? = nil, progress: ProgressHandler? = nil
  ) async throws -> InvertedImage {
    try await compute.run { [self] in
      try options.validate()
      guard caption.contains(where: { !$0.isWhitespace }) else {
        throw InputError(.outOfRange, "The caption is empty. Describe what the image shows.")
      }
      for file in [files?.result, files?.partial].compactMap(\.self) { try AtomicFile.checkWritable(file) }
      let picture = try model.prepare(image, framing: options.framing)
      _ = try model.tokenizer.encode(caption)
      try Inpainting.check(mask, model.configuration)

      let before = model.counter.total
      let partial = files?.partial.map(PartialInversion.init)
      var inverter = Inverter(model, caption: caption, options: options, mask: mask, progress: progress)
      if let partial { inverter.keep = { try partial.keep($0) } }
      let begun = try inverter.begin(picture)
      if let files, files.reusesResult, let result = files.result,
        let finished = try? Inversion(contentsOf: result),
        InversionArguments(of: finished).difference(from: InversionArguments(of: begun)) == nil,
        finished.latent == begun.latent
      {
        return try open(finished)
      }
      var unfinished = try partial?.resume(begun) ?? UnfinishedInversion(begun)
      try inverter.complete(&unfinished, of: picture)
      if let result = files?.result { try unfinished.inversion.write(to: result) }
      partial?.remove()
      return InvertedImage(
        editor: self, inversion: unfinished.inversion, evaluations: model.counter.total - before)
    }
  }

  /// Opens an inversion for edits, for example one read from a file.
  ///
  /// - Throws: `InputError(.mismatch)` if it was made with another model or another noise schedule, or if the shapes
  ///   of its arrays do not fit the model.
  public func open(_ inversion: Inversion) throws -> InvertedImage {
    guard model.identity.isIdentified(by: inversion.modelFingerprint) else {
      throw InputError(
        .mismatch,
        "The inversion was made with another model (fingerprint \(inversion.modelFingerprint)) than "
          + "\(model.checkpoint.url.path) (\(model.fingerprint)). Use the model that made it.")
    }
    let own = try ScheduleRecord(inversion.options, of: model.schedule)
    let (height, width, channels) = inversion.latent.shape3
    let latentSize = inversion.pictureSize.map(model.configuration.latentSize)
    guard inversion.schedule.isOfSameModel(as: own), inversion.isComplete,
      channels == model.configuration.autoencoder.latentChannels,
      model.configuration.isForInpainting == (inversion.condition != nil),
      latentSize.map({ $0 == (height, width) }) ?? true,
      inversion.nullEmbeddings[0].shape == model.configuration.textEncoder.embeddingShape
    else {
      throw InputError(
        .mismatch,
        "The inversion's noise schedule or array shapes do not match the model. Invert the image again with this model."
      )
    }
    return InvertedImage(editor: self, inversion: inversion, evaluations: EvaluationCount(), isRead: true)
  }

  /// Generates an image from a prompt.
  ///
  /// - Parameters:
  ///   - prompt: The text; at most the model's token limit.
  ///   - options: The seed, the number of steps, the guidance scale, the sampler and the size.
  ///   - progress: Called after every step, on the computing thread.
  /// - Throws: `InputError` if the prompt or an option cannot be used; `CancellationError`.
  public func generate(
    prompt: String, options: GenerationOptions = GenerationOptions(), progress: ProgressHandler? = nil
  ) async throws -> RGBImage {
    try await compute.run { [self] in
      try Generation(model: model, options: options, progress: progress).picture(of: prompt)
    }
  }
}

extension ImageEditor {
  /// Runs `invert(image:caption:options:mask:files:progress:)` as an asynchronous sequence of updates.
  ///
  /// Leaving the loop cancels the inversion.
  public func inversionUpdates(
    image: RGBImage, caption: String, options: InversionOptions = InversionOptions(), mask: EditMask? = nil,
    files: InversionFiles? = nil
  ) -> EditorUpdates<InvertedImage> {
    EditorUpdates(of: {
      try await self.invert(
        image: image, caption: caption, options: options, mask: mask, files: files, progress: $0)
    })
  }

  /// Runs `generate(prompt:options:progress:)` as an asynchronous sequence of updates.
  ///
  /// Leaving the loop cancels the generation.
  public func generationUpdates(
    prompt: String, options: GenerationOptions = GenerationOptions()
  ) -> EditorUpdates<RGBImage> {
    EditorUpdates(of: { try await self.generate(prompt: prompt, options: options, progress: $0) })
  }
}
