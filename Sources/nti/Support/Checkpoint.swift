internal import DiffusionCore
internal import EmojiScenes
internal import Foundation
internal import NullTextInversion

/// A model whose small parts have been read: enough to check words before the networks are.
struct Checkpoint {
  let folder: CheckpointFolder
  let tokenizer: CLIPTokenizer
  /// What the checkpoint recommends for edits.
  let recommendation: EditingRecommendation

  init(_ url: URL) throws {
    folder = try CheckpointFolder(url)
    tokenizer = try CLIPTokenizer(folder)
    recommendation = try EditingRecommendation(folder)
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
    let fingerprint = try folder.modelFingerprint()
    guard inversion.modelFingerprint == fingerprint else {
      throw InputError(
        .mismatch,
        "\(path) was made with another model (fingerprint \(inversion.modelFingerprint)) than "
          + "\(folder.url.path) (\(fingerprint)); name the one it was made with by --model.")
    }
  }

  /// What an inversion of a picture with this model is made from.
  func arguments(of image: RGBImage, caption: String, options: InversionOptions) throws -> InversionArguments
  {
    try InversionArguments(
      of: prepared(image), caption: caption, options: options,
      schedule: NoiseSchedule(folder.configuration(of: .scheduler)),
      modelFingerprint: folder.modelFingerprint())
  }

  /// A picture as the model sees it.
  func prepared(_ image: RGBImage) throws -> PreparedPicture {
    try PreparedPicture(of: image, size: ModelConfiguration(folder).pictureSize)
  }

  /// - Throws: `UsageError` if one of the files to be written is the photo that an inversion was made from.
  func checkSparesPhoto(_ files: [OutputFile], of inversion: Inversion, _ overwrite: OverwriteOption) throws {
    guard !overwrite.force else { return }
    for file in files {
      guard let image = try? RGBImage(contentsOf: file.url), let picture = try? prepared(image),
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
    return try await ImageEditor(model: .directory(folder.url), memory: memory, progress: handler)
  }
}

extension CheckpointFolder {
  /// Whether this is the bundled model.
  var isEmojiScenes: Bool {
    guard let bundled = try? ModelSource.emojiScenes.folder() else { return false }
    return bundled.resolvingSymlinksInPath().path == url.resolvingSymlinksInPath().path
  }
}

extension RGBImage {
  /// - Throws: `InputError(.outOfRange)` if a side is too short to be inverted.
  func checkIsLargeEnough(_ path: String) throws {
    guard min(width, height) >= Self.shortestSide else {
      throw InputError(
        .outOfRange,
        "\(path) has \(width) x \(height) pixels; at least \(Self.shortestSide) a side are needed.")
    }
  }
}
