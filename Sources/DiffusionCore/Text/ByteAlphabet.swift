/// The printable characters that stand for the 256 bytes in a byte-level vocabulary.
///
/// Printable bytes of Latin-1 stand for themselves, the others for the characters from U+0100 on, in their order.
enum ByteAlphabet {
  /// The character of each byte.
  static let characters: [Unicode.Scalar] = {
    var next: UInt8 = 0
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        // Adding to the first scalar beyond Latin-1 stays far below the surrogates.
        return Unicode.Scalar(0x100 + UInt32(next)) ?? "?"
      }
    }
  }()

  private static let bytes = Dictionary(
    uniqueKeysWithValues: zip(characters, UInt8.min...UInt8.max))

  /// The bytes that a token of the vocabulary stands for: its own in UTF-8, if it is not of this alphabet.
  static func bytes(of token: String) -> [UInt8] {
    let bytes = token.unicodeScalars.compactMap { Self.bytes[$0] }
    return bytes.count == token.unicodeScalars.count ? bytes : Array(token.utf8)
  }
}
