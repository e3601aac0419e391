/// The printable characters that represent the 256 bytes in a byte-level vocabulary.
///
/// Printable bytes of Latin-1 represent themselves; the others are represented by the characters from U+0100 on, in
/// order.
enum ByteAlphabet {
  /// The character of each byte.
  static let characters: [Unicode.Scalar] = {
    var next: UInt8 = 0
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        // At most 255 after U+0100, far below the surrogates.
        return Unicode.Scalar(0x100 + UInt32(next)) ?? "?"
      }
    }
  }()

  private static let bytes = Dictionary(
    uniqueKeysWithValues: zip(characters, UInt8.min...UInt8.max))

  /// Returns the bytes of a token; its UTF-8 if it has characters outside this alphabet.
  static func bytes(of token: String) -> [UInt8] {
    let bytes = token.unicodeScalars.compactMap { Self.bytes[$0] }
    return bytes.count == token.unicodeScalars.count ? bytes : Array(token.utf8)
  }
}
