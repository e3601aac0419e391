internal import ArgumentParser
internal import DiffusionCore
internal import NullTextInversion

/// The crop of a photo and the size at which it is inverted.
struct FramingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The size that the model works at: auto (about the model's number of pixels, in the photo's aspect ratio), square "
        + "(the model's own size, as published), or a size like 768x512 (default: auto).",
      valueName: "size"),
    transform: { try FramingOptions.size($0) })
  var size = Framing.Size.auto

  @Option(
    help: ArgumentHelp("Crop the upright photo to this rectangle, in pixels.", valueName: "x,y,w,h"),
    transform: { try FramingOptions.crop($0) })
  var crop: PixelRect?

  @Flag(
    help: "Pad the photo with its edge pixels instead of cropping it to the aspect ratio."
  )
  var fit = false

  var framing: Framing { Framing(size, crop: crop, fit: fit) }

  /// Checks that the model works at the size.
  ///
  /// - Throws: `UsageError` if it does not.
  func check(for model: ChosenModel) throws {
    guard case .pixels(let size) = size else { return }
    try UsageError.catching { try model.pictureSizes.check(size) }
  }

  private static func size(_ text: String) throws -> Framing.Size {
    guard let size = Framing.Size(text.lowercased()) else {
      throw ValidationError("write auto, square, or a size like 768x512.")
    }
    return size
  }

  private static func crop(_ text: String) throws -> PixelRect {
    guard let crop = PixelRect(text) else {
      throw ValidationError("write left, top, width and height, as in 120,0,640,480.")
    }
    return crop
  }
}
