public import DiffusionCore
public import Foundation

/// Inverts and edits the records of a benchmark, and judges what comes out.
///
///     let benchmark = try PIEBench(contentsOf: folder)
///     let evaluation = try Evaluation(of: benchmark, editor: editor, output: output)
///     let outcome = try await evaluation.run()
///     try EvaluationTable(output).write(to: output)
///
/// Each finished record leaves a result of its own in the output folder, and is not computed again.
public struct Evaluation: Sendable {
  /// The edits to make.
  public let benchmark: PIEBench
  /// How they are made.
  public let options: EvaluationOptions
  /// What the method is called in tables, and its folder.
  public let label: String

  /// Where the inversions are kept, to be taken up by runs that only edit otherwise; nil to keep none.
  public var inversions: URL?

  private let editor: ImageEditor
  private let store: EvaluationStore
  private let settings: EvaluationSettings

  /// An evaluation that writes into the folder `label` of `output`.
  ///
  /// - Parameter label: nil for `EvaluationOptions.label`.
  /// - Throws: `InputError` if an option cannot be used, or the label is no name of a folder.
  public init(
    of benchmark: PIEBench, editor: ImageEditor, options: EvaluationOptions = EvaluationOptions(),
    output: URL,
    label: String? = nil
  ) throws {
    try options.validate()
    let label = label ?? options.label
    guard !label.isEmpty, !label.hasPrefix("."), label.utf8.count <= 200,
      !label.contains(where: { "/|,\"".contains($0) || $0.isNewline })
    else {
      throw InputError(
        .outOfRange,
        "\"\(label)\" cannot be a method's label: it names a folder and columns, so it may not begin with a dot or have "
          + "slashes, bars, commas or quotes in it.")
    }
    self.benchmark = benchmark
    self.editor = editor
    self.options = options
    self.label = label
    store = EvaluationStore(folder: output.appending(path: label))
    settings = EvaluationSettings(modelFingerprint: editor.model.fingerprint, options: options)
  }

  /// What happens in a run.
  public enum Event: Sendable {
    /// A record begins; `position` counts from 1 among the `count` of this run.
    case began(PIEBench.Record, position: Int, count: Int)
    /// A long call on a record has come further.
    case progress(EditorProgress)
    /// A record is done; `isNew` unless it was done in a run before.
    case finished(EvaluationResult, isNew: Bool)
    /// A record could not be done; the run goes on.
    case failed(PIEBench.Record, InputError)
  }

  /// What a run sends while it lasts, and in the end its outcome.
  public enum Update: Sendable {
    /// Something happened.
    case event(Event)
    /// The run is over; nothing follows.
    case finished(Outcome)
  }

  /// The results of a run.
  public struct Outcome: Sendable {
    /// Of the records that are done, in their order.
    public var results: [EvaluationResult] = []
    /// The records that could not be done, and why.
    public var failures: [(record: PIEBench.Record, error: InputError)] = []
  }

  /// Does what is still to do of some records, one after the other.
  ///
  /// - Parameters:
  ///   - records: that the evaluation is about; all of the benchmark's if nil.
  ///   - shard: the part of them that this run is to do; all if nil.
  ///   - handler: hears of what happens, progress on the computing thread.
  /// - Throws: `InputError(.mismatch)` if the folder holds results with other settings; `.unwritable`;
  ///   `CancellationError`. What is wrong with a record alone is not thrown.
  public func run(
    _ records: [PIEBench.Record]? = nil, shard: EvaluationShard? = nil,
    _ handler: @escaping @Sendable (Event) -> Void = { _ in }
  ) async throws -> Outcome {
    let planned = records ?? benchmark.records
    try store.open(settings, plan: planned.map(\.id))
    if let inversions { try OutputFolder.make(inversions) }
    let fingerprint = try settings.fingerprint
    let part = shard?.part(of: planned) ?? planned
    var outcome = Outcome()
    for (index, record) in part.enumerated() {
      try Task.checkCancellation()
      handler(.began(record, position: index + 1, count: part.count))
      do {
        let (picture, answer) = (try benchmark.picture(of: record), try benchmark.answer(to: record))
        let identity = record.fingerprint([picture, answer])
        let known = store.result(of: record.id, recordFingerprint: identity, settingsFingerprint: fingerprint)
        let result: EvaluationResult
        if let known, store.hasPictures(of: record) {
          result = known
        } else {
          result = try await evaluate(record, picture, answer, identity, fingerprint) {
            handler(.progress($0))
          }
        }
        outcome.results.append(result)
        handler(.finished(result, isNew: result != known))
      } catch let error as InputError where error.kind != .unwritable {
        outcome.failures.append((record, error))
        handler(.failed(record, error))
      }
    }
    return outcome
  }

  /// `run(_:shard:)` as a sequence of updates; leaving the loop cancels it.
  public func updates(_ records: [PIEBench.Record]? = nil, shard: EvaluationShard? = nil)
    -> AsyncThrowingStream<Update, any Error>
  {
    AsyncThrowingStream(sending: { send in
      send(.finished(try await run(records, shard: shard) { send(.event($0)) }))
    })
  }

  private func evaluate(
    _ record: PIEBench.Record, _ picture: RGBImage, _ answer: RGBImage?, _ identity: String,
    _ settingsFingerprint: String, progress: @escaping ProgressHandler
  ) async throws -> EvaluationResult {
    // What can be wrong with a record is looked at before the work.
    let source = try editor.model.prepare(picture)
    let region = try record.region(of: picture, crop: source.crop, as: source.image)
    let preparedAnswer = try answer.map { try prepared($0, like: picture, size: source.image) }
    let caption = PromptWords(try editor.model.tokenizer.encode(record.originalPrompt))
    let prompt = PromptWords(try editor.model.tokenizer.encode(record.editingPrompt))
    let (editOptions, notes) = options.edit(record, caption: caption, prompt: prompt)

    let start = ContinuousClock.now
    let inverted = try await editor.invert(
      image: picture, caption: record.originalPrompt, options: options.inversion,
      files: inversions.map {
        InversionFiles(result: $0.appending(path: "\(record.id).nti"), reusesResult: true)
      }, progress: progress)
    let inversionEnd = ContinuousClock.now
    let edited = try await inverted.edit(
      prompt: record.editingPrompt, options: editOptions, progress: progress)
    let editEnd = ContinuousClock.now
    let pictures = EvaluatedPictures(
      source: source.image, reconstruction: try await inverted.reconstruction(), edited: edited.image,
      answer: preparedAnswer, region: region)

    var metrics = pictures.metrics
    metrics[.autoencoderPSNR] = inverted.inversion.psnrBound
    metrics[.seconds] = (editEnd - start) / .seconds(1)
    metrics[.forward] = Double(inverted.evaluations.forward + edited.evaluations.forward)
    metrics[.backward] = Double(inverted.evaluations.backward + edited.evaluations.backward)
    let result = EvaluationResult(
      id: record.id, index: record.index, category: record.category, recordFingerprint: identity,
      settingsFingerprint: settingsFingerprint, metrics: metrics,
      innerSteps: inverted.inversion.innerSteps.reduce(0, +), inversion: inverted.evaluations,
      edit: edited.evaluations, inversionSeconds: (inversionEnd - start) / .seconds(1),
      editSeconds: (editEnd - inversionEnd) / .seconds(1), notes: notes, environment: .current)
    try store.write(pictures.reconstruction, to: .reconstructions, record)
    try store.write(options.writesPanels ? pictures.panels(record) : pictures.edited, to: .edits, record)
    // The result comes last: a record that has one is done.
    try store.write(result)
    return result
  }

  /// The right answer, cropped and resized as the picture is.
  private func prepared(_ answer: RGBImage, like picture: RGBImage, size: RGBImage) throws -> RGBImage {
    guard (answer.width, answer.height) == (picture.width, picture.height) else {
      throw InputError(
        .mismatch,
        "The answer has \(answer.width) x \(answer.height) pixels, the picture \(picture.width) x \(picture.height)."
      )
    }
    return try answer.prepared(width: size.width, height: size.height).image
  }
}

extension EvaluationOptions {
  /// What PIE-Bench calls the method, in its tables and folders: its inversion, and prompt-to-prompt as the editor.
  public var label: String { PublishedMethod(inversion.method.name).label }
}

extension PublishedMethod {
  /// What PIE-Bench calls the method, or this library where PIE-Bench has it not, with prompt-to-prompt as the editor.
  public var label: String {
    let published: [PublishedMethod: String] = [
      .nullText: "null-text-inversion", .negativePrompt: "negative-prompt-inversion",
      .direct: "directinversion",
      .ddim: "ddim",
    ]
    return (published[self] ?? rawValue) + "+p2p"
  }
}

extension PIEBench.Record {
  /// Identifies what the record says and its pictures: a result of another is worth nothing.
  func fingerprint(_ pictures: [RGBImage?]) -> String {
    var fingerprint = Fingerprint()
    for text in [
      id, imagePath, originalPrompt, editingPrompt, category, sourceWord ?? "", targetWord ?? "",
      answerPath ?? "",
    ] {
      fingerprint.add(text)
    }
    fingerprint.add(
      (maskRuns + [maskSize?.width ?? 0, maskSize?.height ?? 0]).map(String.init).joined(separator: " "))
    for picture in pictures.compactMap(\.self) {
      fingerprint.add("\(picture)")
      fingerprint.add(picture.bytes)
    }
    return fingerprint.hexadecimal
  }

  /// The region to edit, cropped and resized as the picture is.
  ///
  /// A mask whose raster is not of the picture's size is taken to cover the picture.
  func region(of picture: RGBImage, crop: PixelRect, as prepared: RGBImage) throws -> RunLengthMask {
    let size = maskSize ?? PixelSize(width: picture.width, height: picture.height)
    var mask = try RunLengthMask(runs: maskRuns, width: size.width, height: size.height)
    if (mask.width, mask.height) != (picture.width, picture.height) {
      mask = mask.prepared(
        crop: PixelRect(x: 0, y: 0, width: mask.width, height: mask.height), width: picture.width,
        height: picture.height)
    }
    return mask.prepared(crop: crop, width: prepared.width, height: prepared.height)
  }
}
