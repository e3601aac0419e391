public import Foundation

extension RGBImage {
  /// The largest number of pixels that is read from a file: 100 million.
  ///
  /// A file of a few bytes can declare any size; what declares more is refused before memory is taken for it.
  public static let pixelLimit = 100_000_000

  /// The picture in a PNG, JPEG or WebP file, upright and in sRGB.
  ///
  /// The bytes decide which of them it is, not the name. The picture is turned as its EXIF data say, and its colours are
  /// converted from its ICC profile to sRGB (perceptual intent); a profile that is damaged, above 8 MiB, or not of the
  /// picture's colours is ignored. Otherwise the samples are those of Pillow's `Image.open(file).convert("RGB")`:
  /// palettes and greys are expanded, CMYK is converted by Pillow's simple formula, and gamma is not applied. 16-bit
  /// samples are rounded to 8 bits at the end. Transparent pixels are laid on white.
  ///
  /// - Throws: ``InputError``: `missing`; `malformed` for what is no picture, damaged or cut off; `unsupported` for
  ///   other formats, for animations and for more than ``pixelLimit`` pixels.
  public init(contentsOf url: URL) throws { self = try Self.read(url).image }

  /// The picture in the bytes of a PNG, JPEG or WebP file.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  public init(data: Data) throws { self = try Self.read(data, name: "The picture").image }

  /// The picture in a file, and what the file says of itself.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  package static func read(_ url: URL) throws -> (image: RGBImage, facts: PictureFacts) {
    try read(data(of: url), name: url.path)
  }

  private static func read(_ data: Data, name: String) throws -> (image: RGBImage, facts: PictureFacts) {
    let bytes = [UInt8](data)
    let decoded: DecodedPicture
    switch PictureFormat(of: bytes) {
    case .png: decoded = try PNG.decode(bytes, name: name)
    case .jpeg: decoded = try JPEG.decode(bytes, name: name)
    case .webP: decoded = try WebP.decode(bytes, name: name)
    case .other(let format): throw format.error(name)
    case nil:
      throw InputError(
        .malformed, bytes.isEmpty ? "\(name) is empty." : "\(name) is not a PNG, JPEG or WebP picture.")
    }
    return (decoded.image.upright(decoded.facts.orientation), decoded.facts)
  }

  /// Writes a PNG (`.png`) or a JPEG (`.jpg`, `.jpeg`), as the name says.
  ///
  /// The file is written beside its place and moved there when it is complete, so that a file of that name stays as
  /// it is until then.
  ///
  /// - Parameter quality: of a JPEG, 1 to 100.
  /// - Throws: ``InputError``: `unsupported` for another extension or a side too long for the format; `unwritable`.
  public func write(to url: URL, quality: Int = 95) throws {
    let data =
      switch try Self.checkFormat(of: url) {
      case .png: try pngData()
      default: try jpegData(quality: quality)
      }
    try AtomicFile.write(data, to: url)
  }

  /// Throws what ``write(to:quality:)`` would throw for a name that is not a picture's.
  @discardableResult
  package static func checkFormat(of url: URL) throws -> PictureFormat {
    switch url.pathExtension.lowercased() {
    case "png": return .png
    case "jpg", "jpeg": return .jpeg
    default:
      throw InputError(
        .unsupported,
        "\(url.path) cannot be written: the name of a picture ends in .png, .jpg or .jpeg.")
    }
  }

  private static func data(of url: URL) throws -> Data {
    let file = try InputFile(url)
    // The beginning first, so that a huge file of another sort is not read for nothing.
    let start = try file.prefix(PictureFormat.magicLength)
    guard PictureFormat(of: [UInt8](start)) != nil else { return start }
    return try file.contents()
  }
}
