public import DiffusionCore
public import Foundation
internal import Tensor

/// Edits photographs by words.
///
///     let editor = try await ImageEditor(model: .directory(modelURL))
///     let photo = try RGBImage(contentsOf: photoURL)
///     let inverted = try await editor.invert(image: photo, caption: "a cat sitting next to a mirror")
///     let tiger = try await inverted.edit(prompt: "a tiger sitting next to a mirror")
///     try tiger.image.write(to: outURL)
///
/// Calls run one after the other on a thread of the editor's own; cancelling the calling task ends them with
/// `CancellationError` within one evaluation of the network.
public final class ImageEditor: Sendable {
  /// The model that everything is computed with.
  public let model: DiffusionModel

  let compute = ComputeActor()

  /// Reads a model.
  ///
  /// - Throws: `InputError` if the model is missing, damaged or of a kind that is not supported.
  public init(model source: ModelSource) async throws {
    model = try await compute.run { try DiffusionModel(source) }
  }

  /// Finds the path through the model that reproduces a picture.
  ///
  /// - Parameters:
  ///   - image: of any size from 16 pixels a side; the middle of its longer side is used.
  ///   - caption: describes the picture; what is to be edited later must be named in it.
  ///   - file: where to write the inversion. While it is under way it is kept beside, with the extension `partial`; if
  ///     such a file is there, the inversion goes on from it and ends with the same bytes.
  ///   - keepingFinished: whether a finished inversion in `file` is taken as it is if it was made from the same arguments;
  ///     otherwise it is made again and replaced.
  ///   - progress: hears of every step, on the computing thread.
  /// - Throws: `InputError` before any work if the picture, the caption, an option or the file cannot be used, or if an
  ///   unfinished inversion is there that was begun with other arguments; `CancellationError`.
  public func invert(
    image: RGBImage, caption: String, options: InversionOptions = InversionOptions(), file: URL? = nil,
    keepingFinished: Bool = false, progress: ProgressHandler? = nil
  ) async throws -> InvertedImage {
    try await compute.run { [self] in
      try options.validate()
      guard caption.contains(where: { !$0.isWhitespace }) else {
        throw InputError(.outOfRange, "The caption is empty; say what is in the picture.")
      }
      if let file { try AtomicFile.checkWritable(file) }
      let picture = try model.prepare(image)
      _ = try model.tokenizer.encode(caption)

      let before = model.unet.counter.total
      let partial = file.map { PartialInversion(url: PartialInversion.url(for: $0)) }
      var inverter = Inverter(model, caption: caption, options: options, progress: progress)
      if let partial { inverter.keep = { try partial.keep($0) } }
      var inversion = try inverter.begin(picture)
      if keepingFinished, let file, let finished = try? Inversion(contentsOf: file),
        finished.argument(otherThanOf: inversion) == nil, finished.latent == inversion.latent
      {
        return try open(finished)
      }
      inversion = try partial?.resume(inversion) ?? inversion
      try inverter.complete(&inversion, of: picture)
      if let file {
        try inversion.write(to: file)
        partial?.remove()
      }
      return InvertedImage(
        editor: self, inversion: inversion, evaluations: model.unet.counter.total - before)
    }
  }

  /// Takes up an inversion again, from a file perhaps.
  ///
  /// - Throws: `InputError(.mismatch)` if it was made with another model or another noise schedule.
  public func open(_ inversion: Inversion) throws -> InvertedImage {
    guard inversion.modelFingerprint == model.fingerprint else {
      throw InputError(
        .mismatch,
        "The inversion was made with another model (fingerprint \(inversion.modelFingerprint)) than "
          + "\(model.checkpoint.url.path) (\(model.fingerprint)); name the model that it was made with.")
    }
    let sampler = try DDIM(model.schedule, stepCount: inversion.stepCount)
    let configuration = model.unet.configuration
    guard inversion.schedule == ScheduleRecord(sampler), inversion.isComplete,
      inversion.latent.shape.last == configuration.inChannels,
      inversion.nullEmbeddings[0].shape == [model.textEncoder.length, model.textEncoder.width]
    else {
      throw InputError(
        .mismatch, "The inversion's schedule or the shapes of its arrays are not those of the model.")
    }
    return InvertedImage(editor: self, inversion: inversion, evaluations: EvaluationCount())
  }

  /// Makes a picture from words alone.
  ///
  /// - Parameters:
  ///   - seed: of the noise; the same as `torch.manual_seed` on a CPU.
  ///   - steps: the number of sampling steps.
  ///   - guidance: the strength of classifier-free guidance.
  /// - Throws: `InputError` if the prompt or an option cannot be used; `CancellationError`.
  public func generate(
    prompt: String, seed: UInt64 = 0, steps: Int = 50, guidance: Double = 7.5,
    progress: ProgressHandler? = nil
  ) async throws -> RGBImage {
    try await compute.run { [self] in
      try Generation(model: model, steps: steps, guidance: guidance)
        .picture(of: prompt, seed: seed, progress: progress)
    }
  }
}

/// A long call's progress, and in the end what it gives.
public enum EditorUpdate<Result: Sendable>: Sendable {
  /// How far the call has come.
  case progress(EditorProgress)
  /// What the call gives; nothing follows.
  case finished(Result)
}

extension ImageEditor {
  /// `invert(image:caption:options:)` as a sequence of updates; leaving the loop cancels it.
  public func inversionUpdates(
    image: RGBImage, caption: String, options: InversionOptions = InversionOptions(), file: URL? = nil
  ) -> AsyncThrowingStream<EditorUpdate<InvertedImage>, any Error> {
    updates {
      try await self.invert(image: image, caption: caption, options: options, file: file, progress: $0)
    }
  }
}

/// A long call as a sequence of its updates.
func updates<Result: Sendable>(
  _ call: @escaping @Sendable (@escaping ProgressHandler) async throws -> Result
) -> AsyncThrowingStream<EditorUpdate<Result>, any Error> {
  AsyncThrowingStream { continuation in
    let task = Task {
      do {
        let result = try await call { continuation.yield(.progress($0)) }
        continuation.yield(.finished(result))
        continuation.finish()
      } catch {
        continuation.finish(throwing: error)
      }
    }
    continuation.onTermination = { _ in task.cancel() }
  }
}
