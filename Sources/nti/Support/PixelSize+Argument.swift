internal import ArgumentParser
internal import NullTextInversion

extension PixelSize {
  /// Parses a size, as in `512x768`.
  init(argument text: String) throws {
    guard let size = PixelSize(text), (8...4096).contains(size.width), (8...4096).contains(size.height) else {
      throw ValidationError("write a size like 512x512, with sides of 8 to 4096 pixels.")
    }
    self = size
  }
}
