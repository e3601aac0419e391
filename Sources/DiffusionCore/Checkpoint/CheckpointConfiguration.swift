/// The `config.json` of one part of a checkpoint.
public protocol CheckpointConfiguration: Decodable, Sendable {
  /// Checks that this library supports the values.
  ///
  /// - Throws: `InputError` that names the first unsupported value.
  func validate() throws
}

/// A configuration value given once for all blocks, or as a list with one value per block.
enum OneOrEach<Value: Decodable & Sendable>: Decodable, Sendable {
  case one(Value)
  case each([Value])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Value.self) {
      self = .one(value)
    } else {
      self = .each(try container.decode([Value].self))
    }
  }

  /// Returns one value per block; a list is returned as is, even if its length differs from `count`.
  func values(_ count: Int) -> [Value] {
    switch self {
    case .one(let value): Array(repeating: value, count: count)
    case .each(let values): values
    }
  }
}

/// Checks shared by the configurations.
enum ConfigurationCheck {
  /// The largest width, length or count accepted as plausible; it also prevents overflow in products of a few such
  /// numbers.
  static let limit = 1 << 16

  static func isPositive(_ key: String, _ values: Int...) throws { try isPositive(key, values) }

  static func isPositive(_ key: String, _ values: [Int]) throws {
    for value in values where !(1...limit).contains(value) {
      throw InputError(.outOfRange, "\(key) is \(value), but must be between 1 and \(limit).")
    }
  }

  static func has(_ count: Int, _ key: String, _ values: [some Any]) throws {
    guard values.count == count else {
      throw InputError(.malformed, "\(key) has \(values.count) values for \(count) blocks.")
    }
  }

  static func divides(_ divisorKey: String, _ divisor: Int, _ key: String, _ value: Int) throws {
    guard value % divisor == 0 else {
      throw InputError(.malformed, "\(key) \(value) is not a multiple of \(divisorKey) \(divisor).")
    }
  }

  static func isOne(of supported: [String], _ key: String, _ value: String) throws {
    guard supported.contains(value) else {
      throw InputError(
        .unsupported,
        "\(key) is \"\(value)\", which is not supported. Supported: "
          + supported.map { "\"\($0)\"" }.joined(separator: " and ") + ".")
    }
  }
}
