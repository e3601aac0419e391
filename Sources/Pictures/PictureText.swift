public import Foundation

extension RGBImage {
  /// The texts in the bytes of a PNG or JPEG file that ``pngData(text:)`` or ``jpegData(quality:text:)`` could have
  /// written, by their keys.
  ///
  /// Compressed and Latin-1 texts of a PNG are read too. Other files have none; of a damaged one, those before the
  /// damage are found.
  public static func text(in data: Data) -> [String: String] {
    let bytes = [UInt8](data)
    return switch PictureFormat(of: bytes) {
    case .png: PNG.texts(in: bytes)
    case .jpeg: JPEG.texts(in: bytes)
    default: [:]
    }
  }

  /// The texts in the bytes of a PNG file by their keys, as ``text(in:)`` gives them; other files have none.
  public static func pngText(in data: Data) -> [String: String] {
    PictureFormat(of: [UInt8](data.prefix(PictureFormat.magicLength))) == .png ? text(in: data) : [:]
  }

  /// Texts in the order in which they are written.
  ///
  /// - Throws: ``InputError`` `outOfRange` for one that cannot be carried.
  static func sorted(_ text: [String: String]) throws -> [(key: String, text: String)] {
    for (key, value) in text {
      guard isKey(key.utf8) else {
        throw InputError(
          .outOfRange,
          "\"\(key)\" cannot name a text in a picture; use 1 to 79 printable ASCII characters.")
      }
      guard !value.utf8.contains(0) else {
        throw InputError(
          .outOfRange, "The text \"\(key)\" holds a null character, which a picture cannot carry.")
      }
    }
    return text.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// What may name a text in a PNG: printable ASCII without outer or double spaces.
  static func isKey(_ key: some BidirectionalCollection<UInt8>) -> Bool {
    let space = UInt8(ascii: " ")
    return (1...79).contains(key.count) && key.allSatisfy { (space...126).contains($0) } && key.first != space
      && key.last != space && !zip(key, key.dropFirst()).contains { $0 == space && $1 == space }
  }
}
