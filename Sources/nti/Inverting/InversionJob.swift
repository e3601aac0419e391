internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// One photo to invert, checked before the networks are read.
struct InversionJob {
  let photo: String
  let options: InversionOptions
  /// The mask of an inpainting model.
  let mask: EditMask?
  let arguments: InversionArguments
  let file: OutputFile
  private let isMadeAgain: Bool

  /// Checks a photo, its caption and the output file.
  ///
  /// - Parameters:
  ///   - photo: The path of the photo.
  ///   - caption: The caption of the photo.
  ///   - options: The options of the inversion.
  ///   - mask: The mask of an inpainting model.
  ///   - chosen: The model.
  ///   - output: The file to write; nil for the default file next to the photo.
  ///   - taken: The files of other jobs.
  ///   - overwrite: Whether the file may replace another.
  /// - Throws: `InputError` if the photo, the caption or the mask cannot be used, `UsageError` if the file cannot be
  ///   written.
  init(
    _ photo: String, caption: String, _ options: InversionOptions, mask: EditMask?, _ chosen: ChosenModel,
    output: String?,
    sparing taken: [String], _ overwrite: OverwriteOption
  ) throws {
    self.photo = photo
    self.options = options
    self.mask = mask
    let image = try RGBImage(photo: photo)
    try chosen.check(caption, as: "caption")
    let arguments = try chosen.arguments(of: image, caption: caption, options: options, mask: mask)
    self.arguments = arguments
    file =
      try output.map { try OutputFile(inversion: $0, overwrite, of: arguments, sparing: [photo]) }
      ?? OutputFile.inversion(beside: photo, of: arguments, sparing: taken)
    isMadeAgain = overwrite.force
  }

  /// Reads the photo again: the photos of many jobs might not fit in memory together.
  func image() throws -> RGBImage { try RGBImage(photo: photo) }

  /// Inverts the photo, after printing its crop and size and whether an unfinished inversion is resumed.
  ///
  /// - Parameters:
  ///   - editor: The editor to invert with.
  ///   - rest: The work of the command after the inversion.
  ///   - line: The line that shows the progress.
  /// - Throws: `Interrupted` if the work is cancelled and an unfinished inversion is kept; `CancellationError`;
  ///   `InputError`.
  func run(_ editor: ImageEditor, before rest: CommandRest, on line: ProgressLine) async throws
    -> InvertedImage
  {
    if let use = arguments.pictureUse { line.note("\(photo): \(use)") }
    let files = InversionFiles(result: file.url, reusesResult: !isMadeAgain)
    if let kept = kept(files) {
      line.note(
        "resuming \(file.path).partial, which has \(kept.pivotCount) of \(options.steps) pivots and "
          + "\(kept.stepCount) of \(options.steps) steps")
    }
    let image = try image()
    let forecast = InversionForecast(options, before: rest, on: line)
    return try await Interrupted.saying(advice(files)) {
      try await editor.invert(
        image: image, caption: arguments.caption, options: options, mask: mask, files: files,
        progress: forecast.handler)
    }
  }

  /// Returns the unfinished inversion with the same arguments; nil if there is none.
  private func kept(_ files: InversionFiles) -> InversionRecord? {
    guard let partial = files.partial, let record = try? InversionRecord(contentsOf: partial),
      record.arguments.difference(from: arguments) == nil
    else { return nil }
    return record
  }

  private func advice(_ files: InversionFiles) -> String? {
    kept(files).map {
      "\(file.path).partial has \($0.pivotCount) of \(options.steps) pivots and \($0.stepCount) of \(options.steps) "
        + "steps. Run the same command again to resume."
    }
  }
}

extension InversionArguments {
  /// The crop and the size, as in "using 3024x3024 of 4032x3024 pixels, as 512x512"; nil if the photo is unchanged.
  fileprivate var pictureUse: String? {
    let used = PixelSize(width: crop.width, height: crop.height)
    guard let size = pictureSize, used != sourceSize || used != size else { return nil }
    let part = used == sourceSize ? "using \(used) pixels" : "using \(used) of \(sourceSize) pixels"
    return used == size ? part : "\(part), as \(size)"
  }
}
