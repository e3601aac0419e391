internal import ArgumentParser
internal import DiffusionCore
internal import NullTextInversion

/// Which part of a photo is inverted, and at what size.
struct FramingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The size that the model sees: auto (about its own number of pixels, in the photo's proportion), square (its "
        + "own, as published), or a size like 768x512 (default: auto).",
      valueName: "size"),
    transform: { try FramingOptions.size($0) })
  var size = Framing.Size.auto

  @Option(
    help: ArgumentHelp("Use only this part of the upright photo, in its pixels.", valueName: "x,y,w,h"),
    transform: { try FramingOptions.crop($0) })
  var crop: PixelRect?

  @Flag(
    help: "Show the whole photo, filled up by its edges, where it would be cut to the proportion."
  )
  var fit = false

  var framing: Framing { Framing(size, crop: crop, fit: fit) }

  /// - Throws: `UsageError` if the model does not work at the size.
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
      throw ValidationError("write the left and upper edge, width and height like 120,0,640,480.")
    }
    return crop
  }
}
