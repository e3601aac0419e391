internal import Foundation

/// Reads the order of keys in a JSON text, which decoding into a dictionary loses.
enum JSONKeys {
  /// Returns the keys of the outermost object in the order of the text, which must be valid JSON.
  static func outermost(of text: Data) throws -> [String] {
    var keys: [String] = []
    var depth = 0
    var isKeyNext = false
    var stringStart: Int?
    var isEscaped = false
    let bytes = [UInt8](text)
    for (i, byte) in bytes.enumerated() {
      if let start = stringStart {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          stringStart = nil
          if depth == 1, isKeyNext {
            keys.append(try JSONDecoder().decode(String.self, from: Data(bytes[start...i])))
            isKeyNext = false
          }
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): stringStart = i
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        isKeyNext = depth == 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: ",") where depth == 1: isKeyNext = true
      default: break
      }
    }
    return keys
  }
}
