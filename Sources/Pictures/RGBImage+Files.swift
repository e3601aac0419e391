public import Foundation

extension RGBImage {
  /// The largest number of pixels that is read from a file: 100 million.
  ///
  /// A file of a few bytes can declare any size; what declares more is refused before memory is taken for it.
  public static let pixelLimit = 100_000_000

  /// The picture in a PNG or JPEG file.
  ///
  /// The bytes decide which of the two it is, not the name. The samples are those of Pillow's
  /// `Image.open(file).convert("RGB")`: palettes and greys are expanded, of 16-bit samples the high byte is taken (of
  /// grey ones too, which Pillow would turn white), and neither gamma, colour profile nor the camera's orientation tag is
  /// applied. Transparent pixels are laid on white. CMYK JPEGs are converted by Pillow's simple formula.
  ///
  /// - Throws: ``InputError``: `missing`; `malformed` for what is no picture, damaged or cut off; `unsupported` for
  ///   other formats and for more than ``pixelLimit`` pixels.
  public init(contentsOf url: URL) throws {
    try self.init(data: try Self.read(url), name: url.path)
  }

  /// The picture in the bytes of a PNG or JPEG file.
  ///
  /// - Throws: as ``init(contentsOf:)``.
  public init(data: Data) throws { try self.init(data: data, name: "The picture") }

  private init(data: Data, name: String) throws {
    let bytes = [UInt8](data)
    switch PictureFormat(of: bytes) {
    case .png: self = try PNG.decode(bytes, name: name)
    case .jpeg: self = try JPEG.decode(bytes, name: name)
    case .other(let format):
      throw InputError(.unsupported, "\(name) is a \(format) picture; save it as PNG or JPEG to use it.")
    case nil:
      throw InputError(
        .malformed, bytes.isEmpty ? "\(name) is empty." : "\(name) is not a PNG or JPEG picture.")
    }
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

  private static func read(_ url: URL) throws -> Data {
    let file = try InputFile(url)
    // The beginning first, so that a huge file of another sort is not read for nothing.
    let start = try file.prefix(PictureFormat.magicLength)
    guard PictureFormat(of: [UInt8](start)) != nil else { return start }
    return try file.contents()
  }
}

/// A picture format, told by the first bytes of a file.
package enum PictureFormat: Equatable {
  case png
  case jpeg
  /// A format that is recognised but not read.
  case other(String)

  package static let magicLength = 32

  package init?(of bytes: [UInt8]) {
    func hasText(_ text: String, at offset: Int = 0) -> Bool {
      bytes.dropFirst(offset).starts(with: text.utf8)
    }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if hasText("GIF8") {
      self = .other("GIF")
    } else if hasText("RIFF") && hasText("WEBP", at: 8) {
      self = .other("WebP")
    } else if hasText("ftyp", at: 4)
      && ["heic", "heix", "mif1", "msf1"].contains(where: { hasText($0, at: 8) })
    {
      self = .other("HEIC")
    } else if hasText("ftypavif", at: 4) {
      self = .other("AVIF")
    } else if hasText("II*\0") || hasText("MM\0*") {
      self = .other("TIFF")
    } else if hasText("BM") && bytes.count > 14 && bytes[6...9].allSatisfy({ $0 == 0 }) {
      self = .other("BMP")
    } else {
      return nil
    }
  }
}
