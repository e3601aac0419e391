/// What a `config.json` of a checkpoint says about one of its parts.
public protocol CheckpointConfiguration: Decodable, Sendable {
  /// Whether this library can compute what the values ask for.
  ///
  /// - Throws: `InputError` with a sentence about the first value that it cannot.
  func validate() throws
}

/// A value that a configuration gives once for all blocks, or as a list with one for each.
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

  /// The value of each of `count` blocks; a list stays as long as it is.
  func values(_ count: Int) -> [Value] {
    switch self {
    case .one(let value): Array(repeating: value, count: count)
    case .each(let values): values
    }
  }
}

/// The checks that the configurations share.
enum ConfigurationCheck {
  /// The largest width, length or number that is taken for meant; it also keeps products of a few from overflowing.
  static let limit = 1 << 16

  static func isPositive(_ key: String, _ values: Int...) throws { try isPositive(key, values) }

  static func isPositive(_ key: String, _ values: [Int]) throws {
    for value in values where !(1...limit).contains(value) {
      throw InputError(.outOfRange, "\(key) is \(value), but should be between 1 and \(limit).")
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
        "\(key) is \"\(value)\", which is not supported; this library knows "
          + supported.map { "\"\($0)\"" }.joined(separator: " and ") + ".")
    }
  }

  static func isUnset(_ key: String, unless isSet: Bool, _ meaning: String) throws {
    guard !isSet else { throw InputError(.unsupported, "\(key) is set: \(meaning) not supported.") }
  }
}
