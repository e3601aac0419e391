internal import DiffusionCore
internal import Foundation
internal import Tensor

/// Reads and validates an inversion file; invalid sizes are rejected before anything of that size is allocated.
struct InversionReader {
  private let file: SafetensorsFile
  private let path: String

  init(_ url: URL) throws {
    if PictureFormat(of: [UInt8](try InputFile(url).prefix(PictureFormat.magicLength))) != nil {
      throw InputError(.malformed, "\(url.path) is an image, not an inversion. Invert it first.")
    }
    file = try SafetensorsFile(contentsOf: url).requiringFinite
    path = url.path
    guard file.metadata[InversionFile.Key.format.rawValue] == InversionFile.format else {
      throw InputError(.malformed, "\(path) is a safetensors file, but not an inversion.")
    }
    let version: Int = try number(.version)
    guard version >= 1 else { throw wrong(.version, String(version)) }
    guard version <= InversionFile.version else {
      throw InputError(
        .unsupported,
        "\(path) has format version \(version), but this library reads up to version \(InversionFile.version). Use a newer library."
      )
    }
  }

  /// Reads the inversion, which may be unfinished.
  func unfinished() throws -> UnfinishedInversion {
    let steps: Int = try number(.steps)
    guard (1...1000).contains(steps) else { throw wrong(.steps, String(steps)) }
    let size: PixelSize = try number(.sourceSize)
    try checkLengths(steps: steps)

    let inversion = Inversion(
      caption: try string(.caption), options: try options(steps), schedule: try schedule(),
      modelFingerprint: try string(.modelFingerprint),
      sourceSize: size, crop: try crop(of: size),
      pictureFingerprint: file.metadata[InversionFile.Key.pictureFingerprint.rawValue] ?? "",
      pictureSize: try optionalNumber(.pictureSize), isOfEdit: try optionalNumber(.isOfEdit) ?? false,
      maskFingerprint: file.metadata[InversionFile.Key.maskFingerprint.rawValue],
      condition: try condition(), pivots: try latents("pivots"),
      nullEmbeddings: try slices("null_embeddings"),
      trajectory: try latents("trajectory"), losses: try file.tensor(named: "losses").scalars,
      innerSteps: try counts("inner_steps"), psnr: try decibels(.psnr), psnrBound: try decibels(.psnrBound))
    if let checksum = file.metadata[InversionFile.Key.checksum.rawValue], checksum != inversion.checksum {
      throw InputError(
        .malformed,
        "\(path) is damaged: its arrays do not match its checksum. Use another copy, or invert the image again. "
          + "A program that changes the arrays must remove \"checksum\" from the metadata.")
    }
    return UnfinishedInversion(inversion, sweeps: try sweeps())
  }

  /// Reads the sampler; files of older versions have no sampler and used DDIM with leading timesteps.
  private func schedule() throws -> ScheduleRecord {
    ScheduleRecord(
      sampler: try optionalChoice(.sampler) ?? .ddim,
      spacing: try optionalChoice(.timestepSpacing) ?? .leading,
      stepsOffset: try number(.stepsOffset), finalAlpha: try choice(.finalAlpha),
      prediction: try choice(.predictionType))
  }

  private func sweeps() throws -> GlobalNullText.Sweeps? {
    typealias Name = GlobalNullText.Sweeps.Name
    guard let text = file.metadata[Name.count] else { return nil }
    let tensors = try Name.tensors.map { name in
      _ = try shape(name, axes: 2)
      return try file.tensor(named: name)
    }
    guard let count = Int(text), (1...1_000_000).contains(count),
      let distance = file.metadata[Name.distance].flatMap(Float.init),
      let bestDistance = file.metadata[Name.bestDistance].flatMap(Float.init),
      tensors.allSatisfy({ $0.count > 0 && $0.shape == tensors[0].shape })
    else { throw InputError(.malformed, "\(path) has sweeps that do not fit together.") }
    return GlobalNullText.Sweeps(
      embedding: tensors[0], count: count, distance: distance, best: tensors[1], bestDistance: bestDistance,
      mean: tensors[2], square: tensors[3])
  }

  /// Checks that the arrays fit together; an unfinished inversion has fewer entries, at least the encoded image.
  private func checkLengths(steps: Int) throws {
    let (pivots, trajectory) = (try shape("pivots", axes: 4), try shape("trajectory", axes: 4))
    let embeddings = try shape("null_embeddings", axes: 3)
    let made = embeddings[0]
    guard (1...steps + 1).contains(pivots[0]), trajectory[0] <= steps + 1, made <= steps,
      !pivots.contains(0), trajectory.dropFirst() == pivots.dropFirst(), made == 0 || !embeddings.contains(0),
      try shape("losses", axes: 1) == [made], try shape("inner_steps", axes: 1) == [made]
    else { throw InputError(.malformed, "\(path) has arrays whose lengths do not fit together.") }
  }

  /// Reads the extra channels of an inpainting model: the size of the latents, one channel more.
  private func condition() throws -> Tensor? {
    guard file.contains("condition") else { return nil }
    let (shape, pivots) = (try shape("condition", axes: 3), try shape("pivots", axes: 4))
    guard shape == [pivots[1] + 1, pivots[2], pivots[3]] else {
      throw InputError(.malformed, "\(path) has a condition that does not fit its pivots.")
    }
    return try file.tensor(named: "condition").channelsLast()
  }

  /// Reads the options, or derives them from the other metadata in files of other programs.
  private func options(_ steps: Int) throws -> InversionOptions {
    var options = InversionOptions()
    if let json = file.metadata[InversionFile.Key.options.rawValue] {
      guard let recorded = InversionOptions(json: json) else { throw wrong(.options, json) }
      options = recorded
    }
    let method: InversionMethod.Name = try choice(.method)
    if options.method.name != method { options.method = InversionMethod(method) }
    options.steps = steps
    options.guidance = try number(.guidance)
    guard (0...100).contains(options.guidance) else { throw wrong(.guidance, String(options.guidance)) }
    return options
  }

  private func shape(_ name: String, axes: Int) throws -> [Int] {
    guard let shape = file.shape(of: name), shape.count == axes, file.scalarType(of: name) == "F32" else {
      throw InputError(.malformed, "\(path) has no single-precision array \"\(name)\" with \(axes) axes.")
    }
    return shape
  }

  private func slices(_ name: String) throws -> [Tensor] {
    let stacked = try file.tensor(named: name)
    return (0..<stacked.shape[0]).map { stacked[$0] }
  }

  private func latents(_ name: String) throws -> [Tensor] { try slices(name).map { $0.channelsLast() } }

  private func counts(_ name: String) throws -> [Int] {
    try file.tensor(named: name).scalars.map {
      guard let count = Int(exactly: $0), (0...1_000_000).contains(count) else {
        throw InputError(
          .malformed, "\(path) has the value \($0) in \"\(name)\", which is not a number of iterations.")
      }
      return count
    }
  }

  private func string(_ key: InversionFile.Key) throws -> String {
    guard let string = file.metadata[key.rawValue] else {
      throw InputError(.malformed, "\(path) has no \"\(key.rawValue)\" in its metadata.")
    }
    return string
  }

  private func wrong(_ key: InversionFile.Key, _ string: String) -> InputError {
    InputError(.malformed, "\(path) has the invalid value \"\(string)\" for \"\(key.rawValue)\".")
  }

  private func number<N: LosslessStringConvertible>(_ key: InversionFile.Key) throws -> N {
    let string = try string(key)
    guard let number = N(string) else { throw wrong(key, string) }
    return number
  }

  private func optionalNumber<N: LosslessStringConvertible>(_ key: InversionFile.Key) throws -> N? {
    file.metadata[key.rawValue] == nil ? nil : try number(key)
  }

  private func choice<C: RawRepresentable<String>>(_ key: InversionFile.Key) throws -> C {
    let string = try string(key)
    guard let choice = C(rawValue: string) else { throw wrong(key, string) }
    return choice
  }

  private func optionalChoice<C: RawRepresentable<String>>(_ key: InversionFile.Key) throws -> C? {
    file.metadata[key.rawValue] == nil ? nil : try choice(key)
  }

  /// Reads a ratio in decibels, which is infinite for equal images.
  private func decibels(_ key: InversionFile.Key) throws -> Double {
    let ratio: Double = try number(key)
    guard !ratio.isNaN else { throw wrong(key, String(ratio)) }
    return ratio
  }

  private func crop(of size: PixelSize) throws -> PixelRect {
    let crop: PixelRect = try number(.crop)
    guard crop.fits(width: size.width, height: size.height) else { throw wrong(.crop, crop.description) }
    return crop
  }
}
