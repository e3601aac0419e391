public import Foundation

extension RGBImage {
  /// The maximum number of pixels of a picture that is read from a file: 100 million.
  ///
  /// A file of a few bytes can declare any size; larger sizes are refused before memory is allocated.
  public static let pixelLimit = 100_000_000

  /// Reads the picture in a PNG, JPEG or WebP file, turned upright and converted to sRGB.
  ///
  /// The first bytes of the file, not its name, determine the format. The EXIF orientation is applied, and an ICC
  /// profile is converted to sRGB (perceptual intent); a profile is ignored if it is damaged, larger than 8 MiB, or for
  /// another color model. Otherwise the samples equal those of Pillow's `Image.open(file).convert("RGB")`: palettes and
  /// gray levels are expanded, CMYK is converted by Pillow's formula without a profile, and gamma is not applied.
  /// 16-bit samples are rounded to 8 bits at the end. Transparent pixels are blended with white.
  ///
  /// - Throws: `InputError`: `missing`; `malformed` if the file is not a picture, damaged or truncated; `unsupported`
  ///   for other formats, animations and more than ``pixelLimit`` pixels.
  public init(contentsOf url: URL) throws { self = try Self.read(url).image }

  /// Decodes the picture in the bytes of a PNG, JPEG or WebP file.
  ///
  /// - Throws: The errors of ``init(contentsOf:)``.
  public init(data: Data) throws { self = try Self.read(data, name: "The picture").image }

  /// Returns the picture in a file, and the properties of the file.
  ///
  /// - Throws: The errors of ``init(contentsOf:)``.
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

  /// Writes a PNG (`.png`) or a JPEG (`.jpg`, `.jpeg`), depending on the file name extension.
  ///
  /// The picture is written to a temporary file in the same folder, which then replaces the target; until then an
  /// existing file is unchanged.
  ///
  /// - Parameters:
  ///   - url: The path of the file.
  ///   - quality: The quality of a JPEG, 1 to 100.
  /// - Throws: `InputError`: `unsupported` for another extension or a side too long for the format; `unwritable`.
  public func write(to url: URL, quality: Int = 95) throws {
    let data =
      switch try Self.checkFormat(of: url) {
      case .png: try pngData()
      default: try jpegData(quality: quality)
      }
    try AtomicFile.write(data, to: url)
  }

  /// Returns the format of a file name extension.
  ///
  /// - Throws: `InputError` `unsupported` for another extension.
  @discardableResult
  package static func checkFormat(of url: URL) throws -> PictureFormat {
    switch url.pathExtension.lowercased() {
    case "png": return .png
    case "jpg", "jpeg": return .jpeg
    default:
      throw InputError(
        .unsupported,
        "\(url.path) cannot be written: the file name must end in .png, .jpg or .jpeg.")
    }
  }

  private static func data(of url: URL) throws -> Data {
    let file = try InputFile(url)
    // Reads the beginning first, so that a huge file of another type is not read completely.
    let start = try file.prefix(PictureFormat.magicLength)
    guard PictureFormat(of: [UInt8](start)) != nil else { return start }
    return try file.contents()
  }
}
