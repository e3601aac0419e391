public import DiffusionCore
public import Foundation

/// Inverts and edits the records of a benchmark, and measures the results.
///
/// ```swift
/// let benchmark = try PIEBench(contentsOf: folder)
/// let evaluation = try Evaluation(of: benchmark, editor: editor, output: output)
/// let outcome = try await evaluation.run()
/// try EvaluationTable(output).write(to: output)
/// ```
///
/// The result of each finished record is written to a file in the output folder, so that it is not computed again.
public struct Evaluation: Sendable {
  /// The benchmark.
  public let benchmark: PIEBench
  /// The options of the inversions and edits.
  public let options: EvaluationOptions
  /// The name of the method in tables, and of its folder.
  public let label: String

  /// The folder that keeps the inversions for runs that differ in their edits only; nil to keep none.
  public var inversions: URL?

  private let editor: ImageEditor
  private let store: EvaluationStore
  private let settings: EvaluationSettings

  /// Creates an evaluation that writes to the folder `label` of `output`.
  ///
  /// - Parameters:
  ///   - benchmark: The benchmark.
  ///   - editor: The editor that inverts and edits.
  ///   - options: The options of the inversions and edits.
  ///   - output: The folder of the results of all methods.
  ///   - label: The name of the method; nil for `EvaluationOptions.label`.
  /// - Throws: `InputError` if an option cannot be used; `.outOfRange` if the label cannot name a folder and columns.
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
        "\"\(label)\" cannot be the label of a method. It names a folder and columns, so it must not be empty, begin with a "
          + "dot, or contain slashes, bars, commas, quotes or line breaks.")
    }
    self.benchmark = benchmark
    self.editor = editor
    self.options = options
    self.label = label
    store = EvaluationStore(folder: output.appending(path: label))
    settings = EvaluationSettings(modelFingerprint: editor.model.fingerprint, options: options)
  }

  /// An event of a run.
  public enum Event: Sendable {
    /// A record begins; `position` counts from 1 to `count`, the number of records of this run.
    case began(PIEBench.Record, position: Int, count: Int)
    /// A long call on a record has made progress.
    case progress(EditorProgress)
    /// A record is done; `isNew` is false if its result is from an earlier run.
    case finished(EvaluationResult, isNew: Bool)
    /// A record failed; the run continues.
    case failed(PIEBench.Record, InputError)
  }

  /// An event of a run, or its outcome.
  public enum Update: Sendable {
    /// An event.
    case event(Event)
    /// The outcome, which is the last update.
    case finished(Outcome)
  }

  /// The results of a run.
  public struct Outcome: Sendable {
    /// The results of the records that are done, in the order of the records.
    public var results: [EvaluationResult] = []
    /// The records that failed, with their errors.
    public var failures: [(record: PIEBench.Record, error: InputError)] = []
  }

  /// Evaluates the records that have no result yet, one after another.
  ///
  /// - Parameters:
  ///   - records: The records of the evaluation; nil for all of the benchmark.
  ///   - shard: The part of the records that this run evaluates; nil for all.
  ///   - handler: Receives the events; progress arrives on the computing thread.
  /// - Returns: The results and the failed records.
  /// - Throws: `InputError(.mismatch)` if the folder has results with other settings; `.malformed` if its settings cannot
  ///   be read; `.unwritable` if a file cannot be written; `CancellationError`. Other errors of a single record are not
  ///   thrown, but are in the outcome.
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

  /// Returns the updates of `run(_:shard:_:)` as a sequence; leaving the loop cancels the run.
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
    // The record is checked before the work.
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
    // The result is written last, because a record with a result counts as done.
    try store.write(result)
    return result
  }

  /// Returns the ground truth, cropped and resized like the picture.
  ///
  /// - Throws: `InputError(.mismatch)` if the ground truth and the picture differ in size.
  private func prepared(_ answer: RGBImage, like picture: RGBImage, size: RGBImage) throws -> RGBImage {
    guard (answer.width, answer.height) == (picture.width, picture.height) else {
      throw InputError(
        .mismatch,
        "The ground truth has \(answer.width) x \(answer.height) pixels, but the picture has \(picture.width) x \(picture.height)."
      )
    }
    return try answer.prepared(width: size.width, height: size.height).image
  }
}

extension EvaluationOptions {
  /// The name of the inversion method with prompt-to-prompt as the editor, in the form of PIE-Bench's tables and folders.
  public var label: String { PublishedMethod(inversion.method.name).label }
}

extension PublishedMethod {
  /// PIE-Bench's name of the method with prompt-to-prompt as the editor, or this library's name if PIE-Bench has none.
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
  /// Returns a fingerprint of the record and its pictures; a result with another fingerprint is not valid.
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

  /// Returns the region to edit, cropped and resized like the picture.
  ///
  /// A mask with a raster of another size covers the whole picture.
  ///
  /// - Throws: `InputError(.malformed)` if the mask's runs are invalid.
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
