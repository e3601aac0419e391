/// The difference between a caption and a new prompt, word by word.
///
/// ```swift
/// let change = PromptChange(from: "a cat next to a dog", to: "a cat")  // a removal of "dog"
/// ```
public struct PromptChange: Sendable, Hashable {
  /// The kind of edit that the words describe.
  public let kind: EditKind
  /// The phrases of the caption that name changed or removed objects, in order and without function words.
  public let source: [String]
  /// The phrases of the prompt that name changed or added objects.
  public let target: [String]
  /// The phrases in both prompts that name objects, except those after a preposition of place.
  public let kept: [String]

  /// Compares two prompts word by word, ignoring case and punctuation.
  public init(from caption: String, to prompt: String) {
    let (old, new) = (Self.words(caption), Self.words(prompt))
    let runs = Self.changedRuns(from: old, to: new)
    let changes = runs.map { RunChange(old: old, new: new, $0) }
    kind = changes.reduce(.none) { $0.merged(with: $1.kind) }
    source = changes.flatMap(\.source)
    target = changes.flatMap(\.target)
    kept = Self.things(in: new, but: runs.map(\.new))
  }

  /// Returns the phrases outside the given ranges, without function words and without words after a preposition of
  /// place.
  private static func things(in words: [String], but changed: [Range<Int>]) -> [String] {
    var phrases: [[String]] = [[]]
    var isInPlace = false
    for (index, word) in words.enumerated() {
      let isFunctionWord = Vocabulary.isFunctionWord(word)
      if Vocabulary.places.contains(word) { isInPlace = true }
      if isFunctionWord, !Vocabulary.places.contains(word), !Vocabulary.articles.contains(word) {
        isInPlace = false
      }
      if isFunctionWord || isInPlace || changed.contains(where: { $0.contains(index) }) {
        phrases.append([])
      } else {
        phrases[phrases.count - 1].append(word)
      }
    }
    return phrases.filter { !$0.isEmpty }.map { $0.joined(separator: " ") }
  }

  /// A run of different words between words that both prompts have.
  fileprivate struct Run: Equatable {
    var old: Range<Int>
    var new: Range<Int>
  }

  private static func words(_ text: String) -> [String] {
    text.split(whereSeparator: \.isWhitespace).map { word in
      let inner = word.drop(while: \.isPunctuation)
      let end = inner.lastIndex { !$0.isPunctuation }.map { inner.index(after: $0) } ?? inner.startIndex
      return inner.isEmpty ? String(word) : String(inner[..<end]).lowercased()
    }
  }

  /// Returns the runs between the words of a longest common subsequence.
  private static func changedRuns(from old: [String], to new: [String]) -> [Run] {
    // lengths[i][j] is the length of the longest common subsequence of old[i...] and new[j...].
    var lengths = Array(repeating: Array(repeating: 0, count: new.count + 1), count: old.count + 1)
    for i in old.indices.reversed() {
      for j in new.indices.reversed() {
        lengths[i][j] =
          isSame(old[i], new[j]) ? lengths[i + 1][j + 1] + 1 : max(lengths[i + 1][j], lengths[i][j + 1])
      }
    }
    var (i, j) = (0, 0)
    var runs: [Run] = []
    var (oldStart, newStart) = (0, 0)
    func close(_ oldEnd: Int, _ newEnd: Int) {
      if oldStart < oldEnd || newStart < newEnd {
        runs.append(Run(old: oldStart..<oldEnd, new: newStart..<newEnd))
      }
    }
    while i < old.count, j < new.count {
      if isSame(old[i], new[j]) {
        close(i, j)
        (i, j) = (i + 1, j + 1)
        (oldStart, newStart) = (i, j)
      } else if lengths[i + 1][j] >= lengths[i][j + 1] {
        i += 1
      } else {
        j += 1
      }
    }
    close(old.count, new.count)
    return runs
  }

  /// Whether two words are equal; all articles count as equal.
  private static func isSame(_ a: String, _ b: String) -> Bool {
    a == b || Vocabulary.articles.contains(a) && Vocabulary.articles.contains(b)
  }
}

/// A kind of edit that two prompts can describe.
public enum EditKind: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
  /// No change.
  case none
  /// An object is replaced by another.
  case replacement
  /// An object is added.
  case addition
  /// An object is removed.
  case removal
  /// An object keeps its shape and changes its look: color, material or size.
  case attribute
  /// The surroundings of objects change.
  case background
  /// The style of the whole image changes.
  case style
  /// A mixture of these kinds, or another change.
  case other

  fileprivate func merged(with kind: EditKind) -> EditKind {
    self == .none || self == kind ? kind : kind == .none ? self : .other
  }
}

/// The kind of edit described by one run of changed words.
private struct RunChange {
  var kind: EditKind
  var source: [String] = []
  var target: [String] = []

  init(old: [String], new: [String], _ run: PromptChange.Run) {
    let (removed, added) = (Array(old[run.old]), Array(new[run.new]))
    let (gone, come) = (Self.things(in: removed), Self.things(in: added))
    /// The words that both prompts have directly before and after the run.
    let before = run.new.lowerBound > 0 ? new[run.new.lowerBound - 1] : nil
    let after = run.new.upperBound < new.count ? new[run.new.upperBound] : nil
    let isStyle =
      run.new.lowerBound <= 2
      && ((removed + added).contains("of") || after == "of")
      && (removed + added).contains(where: Vocabulary.pictures.contains)
    if gone.isEmpty, come.isEmpty {
      kind = .none
    } else if isStyle {
      kind = .style
    } else if Self.isPlace(removed, added, before: before, after: after) {
      kind = .background
      (source, target) = (gone, come)
    } else if [removed, added].allSatisfy({ $0.dropFirst().contains(where: Vocabulary.places.contains) }) {
      // The run contains both an object and its place.
      kind = .other
      (source, target) = (gone, come)
    } else if let after, !Vocabulary.isFunctionWord(after), !Vocabulary.isDoing(after), !Self.links(removed),
      !Self.links(added)
    {
      // As in "a red car", the words stand before a noun that does not change.
      let noun = Self.noun(from: run.new.upperBound, in: new)
      kind = .attribute
      (source, target) = ([noun], [noun])
    } else if removed.isEmpty || gone.isEmpty {
      kind = .addition
      target = come
    } else if added.isEmpty || come.isEmpty {
      kind = .removal
      source = gone
    } else {
      kind = .replacement
      (source, target) = (gone, come)
    }
  }

  /// Returns the phrases between function words: "silver cat" and "dog" in "a silver cat and a dog".
  private static func things(in words: [String]) -> [String] {
    words.split(whereSeparator: Vocabulary.isFunctionWord).map { $0.joined(separator: " ") }
  }

  /// Whether words connect an object to others, as "next to" does.
  private static func links(_ words: [String]) -> Bool {
    words.contains { Vocabulary.isFunctionWord($0) && !Vocabulary.articles.contains($0) }
  }

  /// Whether words describe a place.
  private static func isPlace(_ removed: [String], _ added: [String], before: String?, after: String?) -> Bool
  {
    if after == "background" || (removed + added).contains("background") { return true }
    let changed = [removed, added].filter { !$0.isEmpty }
    if changed.allSatisfy({ Vocabulary.places.contains($0[0]) }) { return true }
    guard let before else { return false }
    // Matches "in snow" and "on red checks", but not "on a chair".
    return Vocabulary.places.contains(before) && after == nil
      && changed.allSatisfy { !Vocabulary.articles.contains($0[0]) }
  }

  /// Returns the noun that the words from `start` describe: the last word before the next function word.
  private static func noun(from start: Int, in words: [String]) -> String {
    words[start...].prefix { !Vocabulary.isFunctionWord($0) }.last ?? words[start]
  }
}

/// English function words and other words that determine the kind of an edit.
private enum Vocabulary {
  static let articles: Set<String> = ["a", "an", "the"]
  /// Prepositions that begin a description of a place.
  static let places: Set<String> = [
    "in", "on", "at", "under", "inside", "outside", "during", "against", "beneath", "underneath", "amid",
  ]
  /// Words for kinds of images, which describe a style before "of".
  static let pictures: Set<String> = [
    "photo", "photograph", "picture", "image", "painting", "drawing", "sketch", "watercolor", "watercolour",
    "illustration",
    "render", "rendering", "cartoon", "art", "portrait", "sculpture", "mosaic", "poster", "print",
    "engraving", "etching",
    "embroidery", "origami", "model", "statue", "comic", "collage", "graffiti", "anime", "icon", "logo",
  ]
  private static let joining: Set<String> = [
    "and", "with", "of", "to", "next", "beside", "near", "by", "behind", "over", "above", "below", "between",
    "from",
    "for", "into", "is", "are", "its", "his", "her", "their", "front", "top", "wearing", "holding", "without",
  ]

  private static let nounsInIng: Set<String> = [
    "building", "ceiling", "clothing", "drawing", "earring", "evening", "king", "lightning", "morning",
    "painting",
    "pudding", "ring", "spring", "string", "thing", "wedding", "wing",
  ]

  /// Whether a word describes an action of the object before it, as "sitting" does.
  static func isDoing(_ word: String) -> Bool { word.hasSuffix("ing") && !nounsInIng.contains(word) }

  static func isFunctionWord(_ word: String) -> Bool {
    articles.contains(word) || places.contains(word) || joining.contains(word)
      || word.allSatisfy { $0.isPunctuation }
  }
}
