internal import DiffusionCore
internal import Foundation

/// A mark in each file that `nti` writes: a hash of all other bytes, which shows that the file was not changed since.
///
/// The mark is a text chunk after the header in a PNG, a comment in a JPEG, the first member in JSON, and a comment on the
/// second line in an SVG. Inversions have a checksum instead.
enum FileMark {
  /// The key of the mark in a file.
  static let name = "nti:mark"

  /// Returns the bytes of a file with the mark added; unchanged for other formats.
  static func marking(_ data: Data) -> Data {
    guard let format = Format(of: data), let place = format.place(in: data) else { return data }
    return data[..<place] + format.segment(digits: digits(of: data)) + data[place...]
  }

  /// Returns whether a file has a mark that matches its other bytes.
  static func isUntouched(_ data: Data) -> Bool {
    guard let format = Format(of: data), let place = format.place(in: data) else { return false }
    let length = format.segment(digits: "").count + digitCount
    guard data.count - place >= length else { return false }
    let unmarked = data[..<place] + data[(place + length)...]
    return data[place..<place + length] == format.segment(digits: digits(of: unmarked))
  }

  private static let digitCount = 16

  private static func digits(of data: Data) -> String {
    var fingerprint = Fingerprint()
    fingerprint.add(data)
    return fingerprint.hexadecimal
  }

  private enum Format {
    case png, jpeg, json, svg

    init?(of data: Data) {
      switch PictureFormat(of: [UInt8](data.prefix(PictureFormat.magicLength))) {
      case .png: self = .png
      case .jpeg: self = .jpeg
      case .webP, .other: return nil
      case nil where data.starts(with: "{\n".utf8): self = .json
      case nil where data.starts(with: "<svg".utf8): self = .svg
      case nil: return nil
      }
    }

    /// Returns the offset of the mark; nil if the file is too short for one.
    func place(in data: Data) -> Int? {
      switch self {
      case .png:
        // The signature has 8 bytes, the header chunk 25.
        return data.count > 33 ? 33 : nil
      case .jpeg: return JPEGSegments.headerLength(of: data)
      case .json, .svg:
        return data.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
      }
    }

    /// Returns the bytes of a mark; their number depends only on the number of digits.
    func segment(digits: String) -> Data {
      switch self {
      case .png:
        let chunk = Data("tEXt\(FileMark.name)\0\(digits)".utf8)
        return Data(bigEndian: UInt32(chunk.count - 4)) + chunk + Data(bigEndian: chunk.crc32)
      case .jpeg:
        let comment = Data("\(FileMark.name) \(digits)".utf8)
        return Data([0xFF, 0xFE]) + Data(bigEndian: UInt16(comment.count + 2)) + comment
      case .json: return Data("  \"\(FileMark.name)\" : \"\(digits)\",\n".utf8)
      case .svg: return Data("<!-- \(FileMark.name) \(digits) -->\n".utf8)
      }
    }
  }
}

extension Data {
  fileprivate init(bigEndian number: some FixedWidthInteger) {
    self = Swift.withUnsafeBytes(of: number.bigEndian) { Data($0) }
  }

  /// The CRC-32 of a PNG chunk (PNG specification, annex D).
  fileprivate var crc32: UInt32 {
    ~reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 0 ? 0 : 0xEDB8_8320) }
    }
  }
}
