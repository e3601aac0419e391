extension SafetensorsHeader {
  /// Returns the JSON of a header, padded with spaces to a multiple of eight bytes.
  ///
  /// - Parameters:
  ///   - tensors: The tensors in the order of their bytes.
  ///   - metadata: The metadata strings.
  static func json(
    of tensors: [(name: String, type: String, shape: [Int], byteCount: Int)], _ metadata: [String: String]
  ) -> [UInt8] {
    var items: [(name: String, json: String)] = []
    var end = 0
    for (name, type, shape, byteCount) in tensors {
      let start = end
      end += byteCount
      let shape = shape.map(String.init).joined(separator: ",")
      items.append((name, #"{"dtype":"\#(type)","shape":[\#(shape)],"data_offsets":[\#(start),\#(end)]}"#))
    }
    items.sort { isBefore($0.name, $1.name) }
    if !metadata.isEmpty {
      let strings = metadata.sorted { isBefore($0.key, $1.key) }
        .map { "\(quoted($0.key)):\(quoted($0.value))" }
      items.insert(("__metadata__", "{\(strings.joined(separator: ","))}"), at: 0)
    }
    let header = Array("{\(items.map { "\(quoted($0.name)):\($0.json)" }.joined(separator: ","))}".utf8)
    return header + Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
  }

  private static func isBefore(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

  /// Returns a JSON string with the minimal escapes.
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case "\r": quoted += "\\r"
      case "\u{8}": quoted += "\\b"
      case "\u{c}": quoted += "\\f"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
