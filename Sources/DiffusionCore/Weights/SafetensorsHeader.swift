internal import Foundation

/// The header of a safetensors file: the tensors and the positions of their bytes.
///
/// The format is a little-endian length of eight bytes, that many bytes of JSON, then the bytes of the tensors
/// without gaps.
struct SafetensorsHeader {
  /// The name, type, shape and position of a tensor.
  struct Entry: Sendable, Equatable {
    let name: String
    let type: String
    let shape: [Int]
    /// The byte range from the start of the file.
    let range: Range<Int>
  }

  /// The maximum number of bytes of the JSON, as in other readers of the format.
  static let byteLimit = 100_000_000

  let entries: [String: Entry]
  let metadata: [String: String]

  /// Reads and checks the header of a file.
  ///
  /// - Throws: `InputError(.malformed)` unless each tensor has as many bytes as its type and shape need, and the
  ///   tensors together cover the rest of the file exactly once.
  init(of file: InputFile) throws {
    func malformed(_ what: String) -> InputError {
      InputError(.malformed, "\(file.url.path) is not a valid safetensors file: \(what).")
    }
    guard file.byteCount >= 8 else {
      throw malformed(
        "it has \(file.byteCount) bytes, too few for a header. It may be an unfinished download")
    }
    let length = try file.bytes(0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(Self.byteLimit) else {
      throw malformed("it states a header of \(length) bytes, so it is damaged or of another kind")
    }
    let start = 8 + Int(length)
    guard start <= file.byteCount else {
      throw malformed(
        "its header needs \(start) bytes, but the file ends after \(file.byteCount). It is truncated")
    }
    let json = try file.bytes(8..<start)
    let contents: Contents
    do {
      contents = try JSONDecoder().decode(Contents.self, from: json)
    } catch {
      throw malformed("its header \(JSONFault.sentence(for: error))")
    }

    guard Self.itemCount(in: json) == contents.items.count else {
      throw malformed("it contains a tensor name twice")
    }

    var entries: [String: Entry] = [:]
    for (name, item) in contents.items {
      guard item.data_offsets.count == 2,
        case let (begin, end) = (item.data_offsets[0], item.data_offsets[1]),
        0 <= begin, begin <= end, end <= file.byteCount - start
      else {
        throw malformed(
          "the bytes of tensor \"\(name)\" (\(item.data_offsets)) are outside the \(file.byteCount - start) bytes of "
            + "data. It is truncated or damaged")
      }
      // An unknown type is an error only when the tensor is read, but every scalar has at least one bit.
      let size = SafetensorsType(rawValue: item.dtype)?.byteCount
      let needed = Self.product(of: item.shape, times: size ?? 1)
      guard let needed, size == nil ? needed / 8 <= end - begin : needed == end - begin else {
        throw malformed(
          "tensor \"\(name)\", \(item.dtype) \(item.shape), does not fit its \(end - begin) bytes")
      }
      entries[name] = Entry(
        name: name, type: item.dtype, shape: item.shape, range: start + begin..<start + end)
    }

    var covered = start
    for (name, entry) in entries.sorted(by: {
      ($0.value.range.lowerBound, $0.value.range.upperBound)
        < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }) {
      guard entry.range.lowerBound == covered else {
        let fault =
          entry.range.lowerBound < covered ? "overlaps the tensor before it" : "leaves a gap before it"
        throw malformed("tensor \"\(name)\" \(fault)")
      }
      covered = entry.range.upperBound
    }
    guard covered == file.byteCount else {
      throw malformed("its last \(file.byteCount - covered) bytes belong to no tensor")
    }
    self.entries = entries
    metadata = contents.metadata
  }

  /// Returns the number of byte ranges in a header's JSON; decoders drop one of two equal keys.
  private static func itemCount(in json: Data) -> Int {
    let key = Array(#""data_offsets""#.utf8)
    let blanks = Set(" \n\r\t".utf8)
    return json.withUnsafeBytes { bytes in
      var (count, place) = (0, 0)
      while place <= bytes.count - key.count {
        guard bytes[place] == key[0], bytes[place..<place + key.count].elementsEqual(key) else {
          place += 1
          continue
        }
        place += key.count
        let rest = bytes[place...].drop { blanks.contains($0) }
        guard rest.first == UInt8(ascii: ":") else { continue }
        if rest.dropFirst().first(where: { !blanks.contains($0) }) == UInt8(ascii: "[") { count += 1 }
      }
      return count
    }
  }

  /// Returns the product of a shape and a size, or nil if a length is negative or the product overflows.
  private static func product(of shape: [Int], times size: Int) -> Int? {
    var product = size
    for length in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: length)
      guard length >= 0, !overflow else { return nil }
      product = next
    }
    return product
  }
}

extension SafetensorsHeader {
  /// The JSON of the header.
  private struct Contents: Decodable {
    struct Item: Decodable {
      let dtype: String
      let shape: [Int]
      let data_offsets: [Int]
    }

    private struct Name: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    var items: [String: Item] = [:]
    var metadata: [String: String] = [:]

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Name.self)
      for name in container.allKeys {
        if name.stringValue == "__metadata__" {
          metadata = try container.decode([String: String].self, forKey: name)
        } else {
          items[name.stringValue] = try container.decode(Item.self, forKey: name)
        }
      }
    }
  }
}
