/// A picture format, recognized by the first bytes of a file.
package enum PictureFormat: Equatable, Sendable {
  case png
  case jpeg
  case webP
  /// A format that is recognized but not supported.
  case other(ForeignFormat)

  package static let magicLength = 32

  package init?(of bytes: [UInt8]) {
    func hasText(_ text: String, at offset: Int = 0) -> Bool {
      bytes.dropFirst(offset).starts(with: text.utf8)
    }
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if hasText("RIFF") && hasText("WEBP", at: 8) {
      self = .webP
    } else if let format = ForeignFormat(of: bytes) {
      self = .other(format)
    } else {
      return nil
    }
  }

  /// The common name of the format.
  package var name: String {
    switch self {
    case .png: "PNG"
    case .jpeg: "JPEG"
    case .webP: "WebP"
    case .other(let format): format.rawValue
    }
  }
}
