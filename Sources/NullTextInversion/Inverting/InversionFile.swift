internal import DiffusionCore
public import Foundation
internal import Tensor

/// The file format of an inversion: safetensors, with latents in channels-first layout and settings as metadata
/// strings.
///
/// It contains no time and no path, so that equal inversions have equal bytes.
enum InversionFile {
  static let format = FileKind.inversionFormat
  static let version = 1

  /// The metadata keys.
  enum Key: String, CaseIterable {
    case format, version, method, caption, steps, guidance
    case stepsOffset = "steps_offset", finalAlpha = "final_alpha", predictionType = "prediction_type"
    case modelFingerprint = "model_fingerprint", sourceSize = "source_size"
    case crop, psnr, psnrBound = "psnr_bound", libraryVersion = "library_version", options
    case pictureFingerprint = "picture_fingerprint", maskFingerprint = "mask_fingerprint"
    case pictureSize = "picture_size", isOfEdit = "is_of_edit"
    case sampler, timestepSpacing = "timestep_spacing", checksum
  }
}

extension Inversion {
  /// Writes the inversion to a file.
  ///
  /// It is written under a temporary name and then renamed, so that an existing file stays intact if writing fails.
  /// The method returns after the data is synchronized to the disk.
  ///
  /// - Throws: `InputError` if the file cannot be written.
  public func write(to url: URL) throws { try fileContent().write(to: url, synchronized: true) }

  /// Returns the bytes that `write(to:)` writes.
  public func fileData() -> Data { fileContent().data() }

  fileprivate func fileContent() -> SafetensorsWriter {
    var writer = SafetensorsWriter()
    let latentShape = pivots.first?.channelsFirst().shape ?? [0, 0, 0]
    writer.add("pivots", Tensor(stacking: pivots.map { $0.channelsFirst() }, of: latentShape))
    writer.add(
      "null_embeddings", Tensor(stacking: nullEmbeddings, of: nullEmbeddings.first?.shape ?? [0, 0]))
    writer.add("trajectory", Tensor(stacking: trajectory.map { $0.channelsFirst() }, of: latentShape))
    if let condition { writer.add("condition", condition.channelsFirst()) }
    writer.add("losses", Tensor(losses, shape: [losses.count]))
    writer.add("inner_steps", Tensor(innerSteps.map(Float.init), shape: [innerSteps.count]))
    let strings: [InversionFile.Key: String] = [
      .format: InversionFile.format, .version: String(InversionFile.version), .method: method.name.rawValue,
      .caption: caption, .steps: String(stepCount), .guidance: String(guidance),
      .stepsOffset: String(schedule.stepsOffset), .finalAlpha: schedule.finalAlpha.rawValue,
      .predictionType: schedule.prediction.rawValue, .modelFingerprint: modelFingerprint,
      .sourceSize: sourceSize.description, .crop: crop.description, .psnr: String(psnr),
      .psnrBound: String(psnrBound), .libraryVersion: libraryVersion, .options: options.json,
      .pictureFingerprint: pictureFingerprint, .sampler: schedule.sampler.rawValue,
      .timestepSpacing: schedule.spacing.rawValue,
    ]
    writer.metadata[InversionFile.Key.maskFingerprint.rawValue] = maskFingerprint
    if let pictureSize { writer.metadata[InversionFile.Key.pictureSize.rawValue] = pictureSize.description }
    if isOfEdit { writer.metadata[InversionFile.Key.isOfEdit.rawValue] = String(isOfEdit) }
    for (key, string) in strings { writer.metadata[key.rawValue] = string }
    if isComplete { writer.metadata[InversionFile.Key.checksum.rawValue] = checksum }
    return writer
  }

  /// Reads an inversion from a file.
  ///
  /// - Throws: `InputError` if the file is missing, not an inversion, of a newer format version, unfinished or
  ///   damaged, or if its arrays do not fit together.
  public init(contentsOf url: URL) throws {
    self = try InversionReader(url).unfinished().inversion
    guard isComplete else {
      throw InputError(
        .malformed,
        "\(url.path) is an unfinished inversion. Run it again with the same arguments to finish it."
      )
    }
  }
}

extension Inversion {
  /// Whether all steps are present.
  var isComplete: Bool {
    pivots.count == stepCount + 1 && nullEmbeddings.count == stepCount && trajectory.count == stepCount + 1
  }
}

extension UnfinishedInversion {
  /// Writes the unfinished inversion, in the same format with fewer steps.
  ///
  /// - Throws: `InputError` if the file cannot be written.
  func write(to url: URL) throws {
    var writer = inversion.fileContent()
    sweeps?.add(to: &writer)
    try writer.write(to: url)
  }
}

extension GlobalNullText.Sweeps {
  /// The stored names of the state between two sweeps.
  enum Name {
    static let count = "sweeps"
    static let distance = "sweep_distance"
    static let bestDistance = "sweep_best_distance"
    static let tensors = ["sweep_embedding", "sweep_best", "sweep_mean", "sweep_square"]
  }

  fileprivate func add(to writer: inout SafetensorsWriter) {
    writer.metadata[Name.count] = String(count)
    writer.metadata[Name.distance] = String(distance)
    writer.metadata[Name.bestDistance] = String(bestDistance)
    for (name, tensor) in zip(Name.tensors, [embedding, best, mean, square]) { writer.add(name, tensor) }
  }
}

extension Tensor {
  /// Stacks tensors of one shape along a new first axis; `tensors` may be empty.
  fileprivate init(stacking tensors: [Tensor], of shape: [Int]) {
    self = tensors.isEmpty ? Tensor(zeros: [0] + shape) : Tensor(stacking: tensors)
  }
}
