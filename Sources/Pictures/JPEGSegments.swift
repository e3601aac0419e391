package import Foundation

/// The complete segments of a JPEG file before its pixels.
package struct JPEGSegments: Sequence, IteratorProtocol {
  static let exif: UInt8 = 0xE1
  static let profile: UInt8 = 0xE2
  static let comment: UInt8 = 0xFE
  /// The maximum number of bytes in a segment.
  static let capacity = 65_533

  private let bytes: [UInt8]
  private var place = 2

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  package mutating func next() -> (marker: UInt8, body: ArraySlice<UInt8>)? {
    while place + 4 <= bytes.count, bytes[place] == 0xFF {
      let marker = bytes[place + 1]
      switch marker {
      // A fill byte, or a marker without a segment.
      case 0xFF: place += 1
      case 0x01, 0xD0...0xD8: place += 2
      // The pixels, or the end.
      case 0xD9, 0xDA, 0x00: return nil
      default:
        let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
        let start = place + 4
        guard length >= 2, start + length - 2 <= bytes.count else { return nil }
        place += 2 + length
        return (marker, bytes[start..<place])
      }
    }
    return nil
  }

  /// Returns the offset of the first segment that may be a comment: the JFIF header must precede all others.
  ///
  /// - Returns: The offset; nil if the file ends before it.
  package static func headerLength(of file: Data) -> Int? {
    let start = [UInt8](file.prefix(6))
    guard start.count == 6 else { return nil }
    let length = start[2...].starts(with: [0xFF, 0xE0]) ? 4 + Int(start[4]) << 8 + Int(start[5]) : 2
    return length < file.count ? length : nil
  }

  /// Returns the EXIF data of a file; empty if there are none.
  static func exif(in bytes: [UInt8]) -> ArraySlice<UInt8> {
    JPEGSegments(bytes).first { $0.marker == exif && $0.body.starts(with: "Exif\0\0".utf8) }?.body ?? []
  }

  /// Returns the ICC profile of a file, joined from its segments (ICC.1, annex B.4).
  static func profile(in bytes: [UInt8]) -> EmbeddedProfile {
    let mark = "ICC_PROFILE\0".utf8
    var pieces: [UInt8: ArraySlice<UInt8>] = [:]
    var total: UInt8?
    for (marker, body) in JPEGSegments(bytes) where marker == profile && body.starts(with: mark) {
      let piece = body.dropFirst(mark.count)
      guard piece.count > 2, let number = piece.first, let count = piece.dropFirst().first,
        total ?? count == count, number > 0, number <= count, pieces[number] == nil
      else { return .damaged }
      total = count
      pieces[number] = piece.dropFirst(2)
    }
    guard let total else { return .none }
    let size = pieces.values.reduce(0) { $0 + $1.count }
    guard pieces.count == total, size <= ColorConversion.profileLimit else { return .damaged }
    return .bytes((1...total).flatMap { pieces[$0] ?? [] })
  }
}
