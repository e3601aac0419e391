public import DiffusionCore
internal import Foundation
internal import Tensor

/// Edits photographs by words.
///
///     let editor = try await ImageEditor(model: .directory(modelURL))
///     let photo = try RGBImage(contentsOf: photoURL)
///     let inverted = try await editor.invert(image: photo, caption: "a cat sitting next to a mirror")
///     let tiger = try await inverted.edit(prompt: "a tiger sitting next to a mirror")
///     try tiger.image.write(to: outURL)
///
/// The calls of one editor run one after the other on a thread of its own. Cancelling the calling task ends a call with
/// `CancellationError`: at once while it waits for its turn, within one tensor while a model is read, within one
/// evaluation of the network or one layer of the autoencoder while it computes.
///
/// Two settings belong to the process and not to an editor. `Parallel.threadCount` says how many threads all
/// computations share; the results do not depend on it. The first computation calls `openblas_set_num_threads(1)`, because
/// the work is divided before it reaches BLAS; a program that uses OpenBLAS itself finds it with one thread from then on.
public final class ImageEditor: Sendable {
  /// The model that everything is computed with.
  public let model: DiffusionModel

  /// How much memory may be spent on speed.
  public let memory: MemoryLimits

  /// What the model's folder recommends for edits; options are as published unless a program asks for it.
  public let recommendation: EditingRecommendation

  let compute = ComputeQueue()

  /// Reads a model.
  ///
  /// - Parameter progress: called after each network, on the computing thread.
  /// - Throws: `InputError` if the model is missing, damaged or of a kind that is not supported; `CancellationError`.
  public convenience init(
    model source: ModelSource, memory: MemoryLimits = MemoryLimits(), progress: ProgressHandler? = nil
  ) async throws {
    try await self.init(
      memory: memory, progress: progress, checkpoint: { try Checkpoint(source, options: memory.model) })
  }

  /// Reads the model of a checkpoint; what saves memory is that of the limits.
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

  /// Finds the path through the model that reproduces a picture.
  ///
  /// - Parameters:
  ///   - image: of any size from 16 pixels a side; `options.framing` says what of it is used.
  ///   - caption: describes the picture; what is to be edited later must be named in it.
  ///   - mask: what may change, for an inpainting model; other models take none here.
  ///   - files: where the inversion is written and kept under way; nil to leave that to the caller.
  ///   - progress: called after every step, on the computing thread.
  /// - Throws: `InputError` before any work if the picture, the caption, an option or a file cannot be used, or if an
  ///   unfinished inversion is there that was begun with other arguments; `CancellationError`.
  public func invert(
    image: RGBImage, caption: String, options: InversionOptions = InversionOptions(), mask: EditMask? = nil,
    files: InversionFiles? = nil, progress: ProgressHandler? = nil
  ) async throws -> InvertedImage {
    try await compute.run { [self] in
      try options.validate()
      guard caption.contains(where: { !$0.isWhitespace }) else {
        throw InputError(.outOfRange, "The caption is empty; say what is in the picture.")
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

  /// Takes up an inversion again, from a file perhaps.
  ///
  /// - Throws: `InputError(.mismatch)` if it was made with another model or another noise schedule.
  public func open(_ inversion: Inversion) throws -> InvertedImage {
    guard model.identity.isStated(by: inversion.modelFingerprint) else {
      throw InputError(
        .mismatch,
        "The inversion was made with another model (fingerprint \(inversion.modelFingerprint)) than "
          + "\(model.checkpoint.url.path) (\(model.fingerprint)); name the model that it was made with.")
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
        .mismatch, "The inversion's schedule or the shapes of its arrays are not those of the model.")
    }
    return InvertedImage(editor: self, inversion: inversion, evaluations: EvaluationCount(), isRead: true)
  }

  /// Makes a picture from words alone.
  ///
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
  /// `invert(image:caption:options:files:)` as a sequence of updates; leaving the loop cancels it.
  public func inversionUpdates(
    image: RGBImage, caption: String, options: InversionOptions = InversionOptions(), mask: EditMask? = nil,
    files: InversionFiles? = nil
  ) -> EditorUpdates<InvertedImage> {
    EditorUpdates(of: {
      try await self.invert(
        image: image, caption: caption, options: options, mask: mask, files: files, progress: $0)
    })
  }

  /// `generate(prompt:options:)` as a sequence of updates; leaving the loop cancels it.
  public func generationUpdates(
    prompt: String, options: GenerationOptions = GenerationOptions()
  ) -> EditorUpdates<RGBImage> {
    EditorUpdates(of: { try await self.generate(prompt: prompt, options: options, progress: $0) })
  }
}
