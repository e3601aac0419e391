internal import DiffusionCore
public import Foundation
internal import Tensor

/// The file form of an inversion: safetensors, latents channels first, settings as metadata strings.
///
/// It holds no time and no path, so that the same work gives the same bytes.
enum InversionFile {
  static let format = "null-text-inversion"
  static let version = 1

  /// Metadata keys, as they stand in the file.
  enum Key: String, CaseIterable {
    case format, version, method, caption, steps, guidance
    case stepsOffset = "steps_offset", finalAlpha = "final_alpha", predictionType = "prediction_type"
    case modelFingerprint = "model_fingerprint", sourceSize = "source_size"
    case crop, psnr, psnrBound = "psnr_bound", libraryVersion = "library_version", options
    case pictureFingerprint = "picture_fingerprint"
  }
}

extension Inversion {
  /// Writes the inversion to a file: under a temporary name first, so that a file of that name stays whole if anything
  /// goes wrong.
  ///
  /// - Throws: `InputError` if the file cannot be written.
  public func write(to url: URL) throws { try fileContent().write(to: url) }

  /// The bytes that `write(to:)` writes.
  public func fileData() -> Data { fileContent().data() }

  private func fileContent() -> SafetensorsWriter {
    var writer = SafetensorsWriter()
    let latentShape = pivots.first?.channelsFirst().shape ?? [0, 0, 0]
    writer.add("pivots", Tensor(stacking: pivots.map { $0.channelsFirst() }, of: latentShape))
    writer.add(
      "null_embeddings", Tensor(stacking: nullEmbeddings, of: nullEmbeddings.first?.shape ?? [0, 0]))
    writer.add("trajectory", Tensor(stacking: trajectory.map { $0.channelsFirst() }, of: latentShape))
    writer.add("losses", Tensor(losses, shape: [losses.count]))
    writer.add("inner_steps", Tensor(innerSteps.map(Float.init), shape: [innerSteps.count]))
    let strings: [InversionFile.Key: String] = [
      .format: InversionFile.format, .version: String(InversionFile.version), .method: method.rawValue,
      .caption: caption, .steps: String(stepCount), .guidance: String(guidance),
      .stepsOffset: String(schedule.stepsOffset), .finalAlpha: schedule.finalAlpha.rawValue,
      .predictionType: schedule.prediction.rawValue, .modelFingerprint: modelFingerprint,
      .sourceSize: sourceSize.description, .crop: crop.description, .psnr: String(psnr),
      .psnrBound: String(psnrBound), .libraryVersion: libraryVersion, .options: options.json,
      .pictureFingerprint: pictureFingerprint,
    ]
    for (key, string) in strings { writer.metadata[key.rawValue] = string }
    sweeps?.add(to: &writer)
    return writer
  }

  /// Reads an inversion from a file.
  ///
  /// - Throws: `InputError` if the file is missing, is not an inversion, is of a newer version, is unfinished, or holds
  ///   arrays that do not fit together.
  public init(contentsOf url: URL) throws {
    self = try InversionReader(url).inversion()
    guard isComplete else {
      throw InputError(
        .malformed,
        "\(url.path) is an inversion that was not finished. Start it again with the same arguments, and it goes on."
      )
    }
  }
}

extension Inversion {
  /// Whether all steps have been made.
  var isComplete: Bool {
    pivots.count == stepCount + 1 && nullEmbeddings.count == stepCount && trajectory.count == stepCount + 1
  }
}

/// Reads and checks an inversion file; what does not fit is refused before anything of its size is allocated.
struct InversionReader {
  private let file: SafetensorsFile
  private let path: String

  init(_ url: URL) throws {
    file = try SafetensorsFile(contentsOf: url)
    path = url.path
    guard file.metadata[InversionFile.Key.format.rawValue] == InversionFile.format else {
      throw InputError(.malformed, "\(path) is a safetensors file, but not an inversion.")
    }
    let version: Int = try number(.version)
    guard version >= 1 else { throw wrong(.version, String(version)) }
    guard version <= InversionFile.version else {
      throw InputError(
        .unsupported,
        "\(path) is of version \(version), and this library reads up to \(InversionFile.version): use a newer one."
      )
    }
  }

  func inversion() throws -> Inversion {
    let schedule = ScheduleRecord(
      stepCount: try number(.steps), stepsOffset: try number(.stepsOffset),
      finalAlpha: try choice(.finalAlpha),
      prediction: try choice(.predictionType))
    guard (1...1000).contains(schedule.stepCount) else { throw wrong(.steps, String(schedule.stepCount)) }
    let size = try sourceSize()
    try checkLengths(steps: schedule.stepCount)

    var inversion = Inversion(
      caption: try string(.caption), options: try options(schedule.stepCount), schedule: schedule,
      modelFingerprint: try string(.modelFingerprint),
      sourceSize: size, crop: try crop(of: size),
      pictureFingerprint: file.metadata[InversionFile.Key.pictureFingerprint.rawValue] ?? "",
      pivots: try latents("pivots"), nullEmbeddings: try slices("null_embeddings"),
      trajectory: try latents("trajectory"), losses: try finite("losses").scalars,
      innerSteps: try counts("inner_steps"), psnr: try decibels(.psnr), psnrBound: try decibels(.psnrBound))
    inversion.sweeps = try sweeps()
    return inversion
  }

  private func sweeps() throws -> GlobalNullText.Sweeps? {
    typealias Name = GlobalNullText.Sweeps.Name
    guard let text = file.metadata[Name.count] else { return nil }
    let tensors = try Name.tensors.map { name in
      _ = try shape(name, axes: 2)
      return try finite(name)
    }
    guard let count = Int(text), (1...1_000_000).contains(count),
      let distance = file.metadata[Name.distance].flatMap(Float.init),
      let bestDistance = file.metadata[Name.bestDistance].flatMap(Float.init),
      tensors.allSatisfy({ $0.count > 0 && $0.shape == tensors[0].shape })
    else { throw InputError(.malformed, "\(path) holds sweeps that do not fit together.") }
    return GlobalNullText.Sweeps(
      embedding: tensors[0], count: count, distance: distance, best: tensors[1], bestDistance: bestDistance,
      mean: tensors[2], square: tensors[3])
  }

  /// An unfinished inversion has fewer of everything, perhaps none but the encoded picture.
  private func checkLengths(steps: Int) throws {
    let (pivots, trajectory) = (try shape("pivots", axes: 4), try shape("trajectory", axes: 4))
    let embeddings = try shape("null_embeddings", axes: 3)
    let made = embeddings[0]
    guard (1...steps + 1).contains(pivots[0]), trajectory[0] <= steps + 1, made <= steps,
      !pivots.contains(0), trajectory.dropFirst() == pivots.dropFirst(), made == 0 || !embeddings.contains(0),
      try shape("losses", axes: 1) == [made], try shape("inner_steps", axes: 1) == [made]
    else { throw InputError(.malformed, "\(path) holds arrays whose lengths do not fit together.") }
  }

  /// The options as they were recorded, or as far as a file of another program tells them.
  private func options(_ steps: Int) throws -> InversionOptions {
    var options = InversionOptions()
    if let json = file.metadata[InversionFile.Key.options.rawValue] {
      guard let recorded = InversionOptions(json: json) else { throw wrong(.options, json) }
      options = recorded
    }
    options.method = try choice(.method)
    options.steps = steps
    options.guidance = try number(.guidance)
    guard (0...100).contains(options.guidance) else { throw wrong(.guidance, String(options.guidance)) }
    return options
  }

  private func shape(_ name: String, axes: Int) throws -> [Int] {
    guard let shape = file.shape(of: name), shape.count == axes, file.scalarType(of: name) == "F32" else {
      throw InputError(.malformed, "\(path) has no array \"\(name)\" of \(axes) axes in single precision.")
    }
    return shape
  }

  private func finite(_ name: String) throws -> Tensor {
    let tensor = try file.tensor(named: name)
    guard tensor.withScalars({ $0.allSatisfy(\.isFinite) }) else {
      throw InputError(.malformed, "\(path) holds something in \"\(name)\" that is not a number.")
    }
    return tensor
  }

  private func slices(_ name: String) throws -> [Tensor] {
    let stacked = try finite(name)
    return (0..<stacked.shape[0]).map { stacked[$0] }
  }

  private func latents(_ name: String) throws -> [Tensor] { try slices(name).map { $0.channelsLast() } }

  private func counts(_ name: String) throws -> [Int] {
    try finite(name).scalars.map {
      guard let count = Int(exactly: $0), (0...1_000_000).contains(count) else {
        throw InputError(.malformed, "\(path) holds \($0) in \"\(name)\", which is no number of iterations.")
      }
      return count
    }
  }

  private func string(_ key: InversionFile.Key) throws -> String {
    guard let string = file.metadata[key.rawValue] else {
      throw InputError(.malformed, "\(path) does not say its \"\(key.rawValue)\".")
    }
    return string
  }

  private func wrong(_ key: InversionFile.Key, _ string: String) -> InputError {
    InputError(.malformed, "\(path) says \"\(string)\" for its \"\(key.rawValue)\".")
  }

  private func number<N: LosslessStringConvertible>(_ key: InversionFile.Key) throws -> N {
    let string = try string(key)
    guard let number = N(string) else { throw wrong(key, string) }
    return number
  }

  private func choice<C: RawRepresentable<String>>(_ key: InversionFile.Key) throws -> C {
    let string = try string(key)
    guard let choice = C(rawValue: string) else { throw wrong(key, string) }
    return choice
  }

  /// Equal pictures have an infinite one.
  private func decibels(_ key: InversionFile.Key) throws -> Double {
    let ratio: Double = try number(key)
    guard !ratio.isNaN else { throw wrong(key, String(ratio)) }
    return ratio
  }

  private func sourceSize() throws -> PixelSize {
    let string = try string(.sourceSize)
    let parts = string.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0 else {
      throw wrong(.sourceSize, string)
    }
    return PixelSize(width: width, height: height)
  }

  private func crop(of size: PixelSize) throws -> PixelRect {
    let crop: PixelRect = try number(.crop)
    guard crop.fits(width: size.width, height: size.height) else { throw wrong(.crop, crop.description) }
    return crop
  }
}

extension GlobalNullText.Sweeps {
  /// Names in the file of an inversion whose sweeps are under way.
  fileprivate enum Name {
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
  /// Tensors of a shape along a new first axis; there may be none.
  fileprivate init(stacking tensors: [Tensor], of shape: [Int]) {
    self = tensors.isEmpty ? Tensor(zeros: [0] + shape) : Tensor(stacking: tensors)
  }
}

extension InversionOptions {
  /// One line, the same for the same options.
  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  init?(json: String) {
    guard let options = try? JSONDecoder().decode(Self.self, from: Data(json.utf8)) else { return nil }
    self = options
  }
}
