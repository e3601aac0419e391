internal import DiffusionCore
internal import Foundation

/// The mark by which `nti` knows a file that it wrote and that nobody has changed since: a hash of all other bytes.
///
/// A PNG carries it as a text chunk behind its header, a JPEG as a comment, JSON as the first member, SVG as a comment in
/// its second line. An inversion has a checksum of its own.
enum FileMark {
  /// What the mark is called in a file.
  static let name = "nti:mark"

  /// The bytes of a file with a mark; as they are if their format is another.
  static func marking(_ data: Data) -> Data {
    guard let format = Format(of: data), let place = format.place(in: data) else { return data }
    return data[..<place] + format.segment(digits: digits(of: data)) + data[place...]
  }

  /// Whether the bytes of a file carry their own mark.
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

    /// Where the mark stands; nil if the file is too short for one.
    func place(in data: Data) -> Int? {
      switch self {
      case .png:
        // The signature and the header's chunk.
        return data.count > 33 ? 33 : nil
      case .jpeg: return JPEGSegments.headerLength(of: data)
      case .json, .svg:
        return data.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
      }
    }

    /// The bytes of a mark; their number depends on that of the digits alone.
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

  /// The cyclic redundancy check of a PNG's chunk (PNG specification, annex D).
  fileprivate var crc32: UInt32 {
    ~reduce(UInt32.max) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 0 ? 0 : 0xEDB8_8320) }
    }
  }
}
