internal import DiffusionCore
internal import EmojiScenes
internal import Foundation
internal import NullTextInversion

/// A model whose tokenizer and recommendation are read, which suffices to check words before the networks are read.
struct ChosenModel {
  let checkpoint: Checkpoint
  let tokenizer: CLIPTokenizer
  /// The checkpoint's recommendation for edits.
  let recommendation: EditingRecommendation

  init(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    tokenizer = try CLIPTokenizer(checkpoint)
    recommendation = try EditingRecommendation(checkpoint)
  }

  /// Returns the tokens of a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - role: The name of the text in error messages.
  /// - Throws: `InputError` if the text has more tokens than the model reads.
  @discardableResult
  func check(_ text: String, as role: String) throws -> TokenizedPrompt {
    do {
      return try tokenizer.encode(text)
    } catch let error as InputError {
      throw InputError(error.kind, "The \(role) cannot be used: \(error.message)")
    }
  }

  /// Checks that an inversion was made with this model.
  ///
  /// - Throws: `InputError(.mismatch)` if it was not.
  func check(_ inversion: Inversion, _ path: String) throws {
    let identity = try ModelIdentity(of: checkpoint)
    guard identity.isIdentified(by: inversion.modelFingerprint) else {
      throw InputError(
        .mismatch,
        "\(path) was made with another model (fingerprint \(inversion.modelFingerprint)) than "
          + "\(checkpoint.url.path) (\(identity.fingerprint)). Name the model of the inversion with --model.")
    }
  }

  /// Returns the arguments of an inversion with this model.
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

  /// Returns a picture as the model sees it.
  func prepared(_ image: RGBImage, _ framing: Framing) throws -> PreparedPicture {
    try PreparedPicture(of: image, framing: framing, sizes: pictureSizes)
  }

  /// Reads the photo that an inversion was made from.
  ///
  /// - Throws: `InputError` if the file is missing, is not a picture, or is another photo.
  func photo(_ path: String, of inversion: Inversion) throws -> RGBImage {
    let image = try RGBImage(contentsOf: URL(fileURLWithPath: path))
    do {
      try inversion.checkIsSource(image, sizes: pictureSizes)
    } catch let error as InputError {
      throw InputError(error.kind, "Edits cannot be pasted into \(path): \(error.message)")
    }
    return image
  }

  /// Checks that output files do not replace the photo of an inversion, unless `--force` is given.
  ///
  /// - Throws: `UsageError` if one does.
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
    if let savings = memory.model.savings { progress.note("to save memory, \(savings)") }
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
  /// - Throws: `InputError`, of kind `outOfRange` if a side is shorter than `shortestSide`.
  init(photo path: String) throws {
    try self.init(contentsOf: URL(fileURLWithPath: path))
    guard min(width, height) >= Self.shortestSide else {
      throw InputError(
        .outOfRange,
        "\(path) has \(width) x \(height) pixels. Each side must have at least \(Self.shortestSide).")
    }
  }
}
