/// A splitter of normalized text into the words inside which byte pairs are merged.
///
/// A word is a run of letters, a single digit, a run of other characters, or one of a few English endings. White
/// space separates words.
struct WordSplitter {
  private enum Kind { case letter, number, space, other }

  private static let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }
  private static let markers = ["<|startoftext|>", "<|endoftext|>"].map { Array($0.unicodeScalars) }

  private let scalars: [Unicode.Scalar]

  /// Returns the words of a text, as ranges of its scalars.
  static func words(of scalars: [Unicode.Scalar]) -> [Range<Int>] {
    let splitter = WordSplitter(scalars: scalars)
    var words: [Range<Int>] = []
    var start = 0
    while start < scalars.count {
      let count = splitter.appendWords(at: start, to: &words)
      start += count
    }
    return words
  }

  /// Appends the words that start at `start`, and returns the number of their scalars.
  private func appendWords(at start: Int, to words: inout [Range<Int>]) -> Int {
    if let marker = Self.markers.first(where: { has($0, at: start) }) {
      // A start or end marker in capital letters is not a special token, but is split like one.
      let end = start + marker.count
      words += [start..<start + 2, start + 2..<end - 2, end - 2..<end]
      return marker.count
    }
    if let ending = Self.endings.first(where: { has($0, at: start) }) {
      words.append(start..<start + ending.count)
      return ending.count
    }
    let kind = Self.kind(of: scalars[start])
    var end = start + 1
    if kind == .letter || kind == .other {
      while end < scalars.count, Self.kind(of: scalars[end]) == kind { end += 1 }
    }
    if kind != .space { words.append(start..<end) }
    return end - start
  }

  private func has(_ text: [Unicode.Scalar], at start: Int) -> Bool {
    scalars[start] == text[0] && scalars[start...].starts(with: text)
  }

  private static func kind(of scalar: Unicode.Scalar) -> Kind {
    switch scalar {
    case "a"..."z", "A"..."Z": return .letter
    case "0"..."9": return .number
    case "\u{9}"..."\u{d}", " ": return .space
    case "\u{0}"..."\u{7f}": return .other
    default: break
    }
    let properties = scalar.properties
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return isKnown(properties) ? .letter : .other
    case .decimalNumber, .letterNumber, .otherNumber:
      return isKnown(properties) ? .number : .other
    default:
      return properties.isWhitespace ? .space : .other
    }
  }

  /// Returns whether a scalar is in Unicode 16, the version of the reference's tables.
  private static func isKnown(_ properties: Unicode.Scalar.Properties) -> Bool {
    properties.age.map { $0.major <= 16 } ?? true
  }
}
