internal import Foundation

/// A text normalized as for CLIP's vocabulary: Unicode normalization form C, white space collapsed to single spaces,
/// lowercase.
///
/// The range in the original is kept for each scalar.
struct NormalizedText {
  /// The Unicode scalars of the normalized text.
  private(set) var scalars: [Unicode.Scalar] = []

  /// The range of Unicode scalars in the original for each scalar.
  private(set) var sources: [Range<Int>] = []

  /// - Parameters:
  ///   - original: The text, or a part of it.
  ///   - start: The position of the part in the text.
  init(_ original: some Collection<Unicode.Scalar>, start: Int = 0) {
    for part in CanonicalComposition.parts(of: original, start: start) {
      for scalar in part.scalars { append(scalar, from: part.source) }
    }
  }

  private mutating func append(_ scalar: Unicode.Scalar, from source: Range<Int>) {
    if scalar.properties.isWhitespace {
      if scalars.last == " ", let last = sources.last {
        sources[sources.count - 1] = last.lowerBound..<source.upperBound
        return
      }
      scalars.append(" ")
      sources.append(source)
    } else if scalar.isASCII {
      let isUpper = ("A"..."Z").contains(scalar)
      scalars.append(isUpper ? Unicode.Scalar(UInt8(scalar.value) + 0x20) : scalar)
      sources.append(source)
    } else {
      // Each scalar is lowercased alone, so no sigma becomes a final sigma, as in the reference tokenizers.
      for lower in scalar.properties.lowercaseMapping.unicodeScalars {
        scalars.append(lower)
        sources.append(source)
      }
    }
  }
}

/// Unicode normalization form C, in parts that keep their positions in the original.
enum CanonicalComposition {
  /// A part of a text that is normalized independently.
  struct Part {
    var scalars: [Unicode.Scalar]
    var source: Range<Int>
  }

  /// Returns the parts of a text: a scalar with all marks that may compose with it, or a Hangul syllable.
  static func parts(of original: some Collection<Unicode.Scalar>, start: Int = 0) -> [Part] {
    var parts: [Part] = []
    for (offset, scalar) in original.enumerated() {
      let source = start + offset..<start + offset + 1
      guard let last = parts.indices.last else {
        parts.append(Part(scalars: [scalar], source: source))
        continue
      }
      if let previous = parts[last].scalars.last, let syllable = Hangul.composed(previous, scalar) {
        parts[last].scalars = [syllable]
        parts[last].source = parts[last].source.lowerBound..<source.upperBound
      } else if continues(scalar) {
        parts[last].scalars.append(scalar)
        parts[last].source = parts[last].source.lowerBound..<source.upperBound
      } else {
        parts.append(Part(scalars: [scalar], source: source))
      }
    }
    return parts.flatMap(composed)
  }

  /// Returns whether a scalar may compose or change order with the scalars before it.
  private static func continues(_ scalar: Unicode.Scalar) -> Bool {
    // The first mark is U+0300.
    guard scalar.value >= 0x300, !standsAlone(scalar) else { return false }
    return scalar.properties.canonicalCombiningClass != .notReordered || scalar.properties.isGraphemeExtend
  }

  /// Returns the part in composed form; if that changes nothing, as parts of one scalar each.
  private static func composed(_ part: Part) -> [Part] {
    guard let first = part.scalars.first, part.scalars.count > 1 || first.value >= 0x300 else {
      return [part]
    }
    let lead = standsAlone(first) ? 1 : 0
    var text = String.UnicodeScalarView()
    text.append(contentsOf: part.scalars[lead...])
    // Foundation orders all marks only in decomposed text.
    let decomposed = String(text).decomposedStringWithCanonicalMapping
    let normal =
      part.scalars[..<lead] + Array(decomposed.precomposedStringWithCanonicalMapping.unicodeScalars)
    guard Array(normal) == part.scalars, part.scalars.count == part.source.count else {
      return [Part(scalars: Array(normal), source: part.source)]
    }
    return zip(normal, part.source).map { Part(scalars: [$0], source: $1..<$1 + 1) }
  }

  /// Returns whether a scalar never composes, or only by `Hangul`.
  ///
  /// The reference uses the tables of Unicode 9, so it does not compose newer scalars. Scalars of plane 14 never
  /// compose, but Foundation confuses them with the letters that share their last sixteen bits.
  private static func standsAlone(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0xe0000 || Hangul.contains(scalar) || (scalar.properties.age?.major ?? 0) > 9
  }
}

/// The arithmetic of Hangul syllables (the Unicode Standard, section 3.12).
///
/// Foundation composes three letters to a syllable, but not a syllable and a letter.
private enum Hangul {
  private static let base: UInt32 = 0xac00
  private static let counts: (vowels: UInt32, trailing: UInt32) = (21, 28)

  /// Returns the syllable that two neighbors compose to, or nil.
  static func composed(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    switch (first.value, second.value) {
    case (0x1100...0x1112, 0x1161...0x1175):
      let index = (first.value - 0x1100) * counts.vowels + (second.value - 0x1161)
      return Unicode.Scalar(base + index * counts.trailing)
    case (0xac00...0xd7a3, 0x11a8...0x11c2) where (first.value - base).isMultiple(of: counts.trailing):
      return Unicode.Scalar(first.value + (second.value - 0x11a7))
    default: return nil
    }
  }

  static func contains(_ scalar: Unicode.Scalar) -> Bool {
    (0x1100...0x11ff).contains(scalar.value) || (base...0xd7a3).contains(scalar.value)
  }
}
