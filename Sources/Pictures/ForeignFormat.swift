/// A picture format that is recognized but not supported.
package enum ForeignFormat: String, Sendable {
  case heic = "HEIC"
  case avif = "AVIF"
  case tiff = "TIFF"
  case gif = "GIF"
  case bmp = "BMP"
  case jpegXL = "JPEG XL"
  case jpeg2000 = "JPEG 2000"
  case raw = "camera raw"

  init?(of bytes: [UInt8]) {
    func has(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
    func isBrand(_ brands: String...) -> Bool { has("ftyp", at: 4) && brands.contains { has($0, at: 8) } }
    if has("GIF8") {
      self = .gif
    } else if isBrand("avif", "avis") {
      self = .avif
    } else if isBrand("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1") {
      self = .heic
    } else if bytes.starts(with: [0xFF, 0x0A]) || has("JXL ", at: 4) {
      self = .jpegXL
    } else if has("jP  ", at: 4) {
      self = .jpeg2000
    } else if isBrand("crx ") || has("FUJIFILMCCD-RAW") || has("IIU\0") || has("IIRO") || has("IIRS")
      || has("FOVb")
      || has("II*\0") && has("CR", at: 8)
    {
      self = .raw
    } else if has("II*\0") || has("MM\0*") {
      self = .tiff
    } else if has("BM") && bytes.count > 14 && bytes[6...9].allSatisfy({ $0 == 0 }) {
      self = .bmp
    } else {
      return nil
    }
  }

  /// Returns the error for a file of this format, with a command that converts it.
  func error(_ name: String) -> InputError {
    let article = self == .avif ? "an" : "a"
    return InputError(
      .unsupported,
      "\(name) is \(article) \(rawValue) picture. Convert it to PNG first, for example with \(commands).")
  }

  private var commands: String {
    switch self {
    case .heic: "`heif-convert photo.heic photo.png` or `magick photo.heic photo.png`"
    case .avif: "`avifdec photo.avif photo.png` or `magick photo.avif photo.png`"
    // Most raw formats are based on TIFF.
    case .tiff: "`magick photo.tif photo.png`, or `darktable-cli photo.nef photo.png` if a camera wrote it"
    case .gif: "`magick 'photo.gif[0]' photo.png`"
    case .bmp: "`magick photo.bmp photo.png`"
    case .jpegXL: "`djxl photo.jxl photo.png`"
    case .jpeg2000: "`magick photo.jp2 photo.png`"
    case .raw: "`darktable-cli photo.raw photo.png`"
    }
  }
}
