internal import DiffusionCore
internal import EmojiScenes
internal import Foundation
internal import NullTextInversion

/// A model whose small parts have been read: enough to check words before the networks are.
struct ChosenModel {
  let checkpoint: Checkpoint
  let tokenizer: CLIPTokenizer
  /// What the checkpoint recommends for edits.
  let recommendation: EditingRecommendation

  init(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    tokenizer = try CLIPTokenizer(checkpoint)
    recommendation = try EditingRecommendation(checkpoint)
  }

  /// - Throws: `InputError` if a text has more tokens than the model reads.
  @discardableResult
  func check(_ text: String, as role: String) throws -> TokenizedPrompt {
    do {
      return try tokenizer.encode(text)
    } catch let error as InputError {
      throw InputError(error.kind, "The \(role) cannot be used: \(error.message)")
    }
  }

  /// - Throws: `InputError(.mismatch)` if an inversion was made with another model.
  func check(_ inversion: Inversion, _ path: String) throws {
    let identity = try ModelIdentity(of: checkpoint)
    guard identity.isStated(by: inversion.modelFingerprint) else {
      throw InputError(
        .mismatch,
        "\(path) was made with another model (fingerprint \(inversion.modelFingerprint)) than "
          + "\(checkpoint.url.path) (\(identity.fingerprint)); name the one it was made with by --model.")
    }
  }

  /// What an inversion of a picture with this model is made from.
  func arguments(
    of image: RGBImage, caption: String, options: InversionOptions, mask: EditMask? = nil
  ) throws -> InversionArguments {
    try Inpainting.check(mask, ModelConfiguration(checkpoint))
    return try InversionArguments(
      of: prepared(image, options.framing), caption: caption, options: options, mask: mask,
      schedule: NoiseSchedule(checkpoint.configuration(of: .scheduler)),
      model: ModelIdentity(of: checkpoint))
  }

  /// The sizes that the model works at.
  var pictureSizes: PictureSizes { get throws { try ModelConfiguration(checkpoint).pictureSizes } }

  /// A picture as the model sees it.
  func prepared(_ image: RGBImage, _ framing: Framing) throws -> PreparedPicture {
    try PreparedPicture(of: image, framing: framing, sizes: pictureSizes)
  }

  /// The photo that an inversion was made from.
  ///
  /// - Throws: `InputError` if it is missing, no picture, or another photo.
  func photo(_ path: String, of inversion: Inversion) throws -> RGBImage {
    let image = try RGBImage(contentsOf: URL(fileURLWithPath: path))
    do {
      try inversion.checkIsSource(image, sizes: pictureSizes)
    } catch let error as InputError {
      throw InputError(error.kind, "\(path) cannot be pasted into: \(error.message)")
    }
    return image
  }

  /// - Throws: `UsageError` if one of the files to be written is the photo that an inversion was made from.
  func checkSparesPhoto(
    _ files: [OutputFile], of inversion: InversionArguments, _ overwrite: OverwriteOption
  ) throws {
    guard !overwrite.force else { return }
    for file in files {
      guard let image = try? RGBImage(contentsOf: file.url),
        let picture = try? prepared(image, inversion.options.framing),
        picture.fingerprint == inversion.pictureFingerprint
      else { continue }
      throw UsageError(
        "\(file.path) is the photo that was inverted. Name another file with -o, or replace it with --force.")
    }
  }

  /// Reads the networks.
  func load(_ progress: ProgressLine, memory: MemoryLimits = MemoryLimits()) async throws -> ImageEditor {
    if let savings = memory.model.savings { progress.note("to take less memory, \(savings)") }
    progress.begin("reading the model")
    let handler = progress.handler
    return try await ImageEditor(checkpoint, memory: memory, progress: handler)
  }
}

extension Checkpoint {
  /// Whether this is the bundled model.
  var isEmojiScenes: Bool {
    guard let bundled = try? ModelSource.emojiScenes.url() else { return false }
    return bundled.resolvingSymlinksInPath().path == url.resolvingSymlinksInPath().path
  }
}

extension RGBImage {
  /// Reads a photo to invert.
  ///
  /// - Throws: `InputError`, of kind `outOfRange` if a side is too short to be inverted.
  init(photo path: String) throws {
    try self.init(contentsOf: URL(fileURLWithPath: path))
    guard min(width, height) >= Self.shortestSide else {
      throw InputError(
        .outOfRange,
        "\(path) has \(width) x \(height) pixels; at least \(Self.shortestSide) a side are needed.")
    }
  }
}
