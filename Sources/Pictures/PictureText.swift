public import Foundation

extension RGBImage {
  /// Returns the texts, by key, in the bytes of a PNG or JPEG file.
  ///
  /// Reads all texts that ``pngData(text:)`` and ``jpegData(quality:text:)`` write, and also compressed and Latin-1
  /// texts of a PNG. Other files have none. In a damaged file, only texts before the damage are found.
  public static func text(in data: Data) -> [String: String] {
    let bytes = [UInt8](data)
    return switch PictureFormat(of: bytes) {
    case .png: PNG.texts(in: bytes)
    case .jpeg: JPEG.texts(in: bytes)
    default: [:]
    }
  }

  /// Returns the texts, by key, in the bytes of a PNG file, as ``text(in:)`` does; other files have none.
  public static func pngText(in data: Data) -> [String: String] {
    PictureFormat(of: [UInt8](data.prefix(PictureFormat.magicLength))) == .png ? text(in: data) : [:]
  }

  /// Returns the texts in the order in which they are written.
  ///
  /// - Throws: `InputError` `outOfRange` for an invalid key or text.
  static func sorted(_ text: [String: String]) throws -> [(key: String, text: String)] {
    for (key, value) in text {
      guard isKey(key.utf8) else {
        throw InputError(
          .outOfRange,
          "\"\(key)\" is not a valid key for a text in a picture. Use 1 to 79 printable ASCII characters without leading, "
            + "trailing or double spaces.")
      }
      guard !value.utf8.contains(0) else {
        throw InputError(
          .outOfRange, "The text \"\(key)\" contains a null character, which a picture cannot store.")
      }
    }
    return text.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Returns whether a key is valid in a PNG: printable ASCII without leading, trailing or double spaces.
  static func isKey(_ key: some BidirectionalCollection<UInt8>) -> Bool {
    let space = UInt8(ascii: " ")
    return (1...79).contains(key.count) && key.allSatisfy { (space...126).contains($0) } && key.first != space
      && key.last != space && !zip(key, key.dropFirst()).contains { $0 == space && $1 == space }
  }
}
