internal import Foundation

/// A 64-bit FNV-1a hash that tells contents apart; it is not cryptographic.
package struct Fingerprint {
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  }

  mutating func add(_ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { add($0) }
  }

  /// Adds a text and its length, so that different sequences of texts add different bytes.
  package mutating func add(_ text: String) {
    add(UInt64(text.utf8.count))
    add(text.utf8)
  }

  /// The hash as sixteen hexadecimal digits.
  package var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension Fingerprint {
  /// The number of bytes sampled at each of three places in a tensor.
  private static let sampleLength = 64

  /// Adds a tensor's name, type, shape, and a few bytes from its start, middle and end.
  mutating func add(_ name: String, _ place: WeightStore.Place) throws {
    let (entry, file) = (place.entry, place.file.file)
    add(name)
    add(entry.type)
    add(UInt64(entry.shape.count))
    for length in entry.shape { add(UInt64(length)) }
    let (begin, count, sample) = (entry.range.lowerBound, entry.range.count, Self.sampleLength)
    if count <= 3 * sample {
      add(try file.bytes(entry.range))
    } else {
      for start in [0, (count - sample) / 2, count - sample] {
        add(try file.bytes(begin + start..<begin + start + sample))
      }
    }
  }

  mutating func add(json value: JSONValue) {
    switch value {
    case .null: add(0)
    case .bool(let bool): add(bool ? 2 : 1)
    case .number(let number):
      add(3)
      add(number.bitPattern)
    case .string(let string):
      add(4)
      add(string)
    case .array(let values):
      add(5)
      add(UInt64(values.count))
      for value in values { add(json: value) }
    case .object(let members):
      add(6)
      add(UInt64(members.count))
      for (key, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        add(key)
        add(json: value)
      }
    }
  }
}
