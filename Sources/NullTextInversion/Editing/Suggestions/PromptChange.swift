/// What became of the caption's words in a new prompt.
///
///     PromptChange(from: "a cat next to a dog", to: "a cat").kind        // .removal, of "dog"
public struct PromptChange: Sendable, Hashable {
  /// The kind of edit that the words tell.
  public let kind: EditKind
  /// The words of the caption whose things change or go, without articles and the like; phrases in their order.
  public let source: [String]
  /// The words of the prompt whose things change or come.
  public let target: [String]
  /// The words of both that name things, but for those that say where things are.
  public let kept: [String]

  /// Compares two prompts word by word, whatever their capitals and punctuation.
  public init(from caption: String, to prompt: String) {
    let (old, new) = (Self.words(caption), Self.words(prompt))
    let runs = Self.changedRuns(from: old, to: new)
    let changes = runs.map { RunChange(old: old, new: new, $0) }
    kind = changes.reduce(.none) { $0.merged(with: $1.kind) }
    source = changes.flatMap(\.source)
    target = changes.flatMap(\.target)
    kept = Self.things(in: new, but: runs.map(\.new))
  }

  /// The phrases of words outside of some ranges that are neither function words nor behind a preposition of place.
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

  /// A run of words that differ: ranges of the caption and of the prompt between words that both have.
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

  /// The runs between the words of a longest common subsequence.
  private static func changedRuns(from old: [String], to new: [String]) -> [Run] {
    // lengths[i][j]: of the longest common subsequence of old[i...] and new[j...].
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

  /// "a" and "an" are one word.
  private static func isSame(_ a: String, _ b: String) -> Bool {
    a == b || Vocabulary.articles.contains(a) && Vocabulary.articles.contains(b)
  }
}

/// The kinds of edit that two prompts can tell.
public enum EditKind: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
  /// Nothing changes.
  case none
  /// A thing becomes another.
  case replacement
  /// A thing comes.
  case addition
  /// A thing goes.
  case removal
  /// A thing keeps its shape and gets another look: colour, material, size.
  case attribute
  /// What is around things changes.
  case background
  /// The look of everything changes.
  case style
  /// Several of these, or none.
  case other

  fileprivate func merged(with kind: EditKind) -> EditKind {
    self == .none || self == kind ? kind : kind == .none ? self : .other
  }
}

/// What one run of changed words says.
private struct RunChange {
  var kind: EditKind
  var source: [String] = []
  var target: [String] = []

  init(old: [String], new: [String], _ run: PromptChange.Run) {
    let (removed, added) = (Array(old[run.old]), Array(new[run.new]))
    let (gone, come) = (Self.things(in: removed), Self.things(in: added))
    /// The words that both prompts have before and after the run.
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
      // A thing and its place in one run.
      kind = .other
      (source, target) = (gone, come)
    } else if let after, !Vocabulary.isFunctionWord(after), !Vocabulary.isDoing(after), !Self.links(removed),
      !Self.links(added)
    {
      // "a red car": the words stand before a noun that stays.
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

  /// The phrases of words that are no function words: "a silver cat and a dog" has "silver cat" and "dog".
  private static func things(in words: [String]) -> [String] {
    words.split(whereSeparator: Vocabulary.isFunctionWord).map { $0.joined(separator: " ") }
  }

  /// Whether words join a thing to others, as "next to" does.
  private static func links(_ words: [String]) -> Bool {
    words.contains { Vocabulary.isFunctionWord($0) && !Vocabulary.articles.contains($0) }
  }

  /// Whether words say where things are.
  private static func isPlace(_ removed: [String], _ added: [String], before: String?, after: String?) -> Bool
  {
    if after == "background" || (removed + added).contains("background") { return true }
    let changed = [removed, added].filter { !$0.isEmpty }
    if changed.allSatisfy({ Vocabulary.places.contains($0[0]) }) { return true }
    guard let before else { return false }
    // "in snow" and "on red checks", but not "on a chair".
    return Vocabulary.places.contains(before) && after == nil
      && changed.allSatisfy { !Vocabulary.articles.contains($0[0]) }
  }

  /// The phrase up to the noun that words before it describe: up to the next function word.
  private static func noun(from start: Int, in words: [String]) -> String {
    words[start...].prefix { !Vocabulary.isFunctionWord($0) }.last ?? words[start]
  }
}

/// The words of English that say how things are joined.
private enum Vocabulary {
  static let articles: Set<String> = ["a", "an", "the"]
  /// Prepositions that lead a place.
  static let places: Set<String> = [
    "in", "on", "at", "under", "inside", "outside", "during", "against", "beneath", "underneath", "amid",
  ]
  /// Words for pictures, which tell a style in front of "of".
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

  /// Whether a word says what a thing before it does, as "sitting" does.
  static func isDoing(_ word: String) -> Bool { word.hasSuffix("ing") && !nounsInIng.contains(word) }

  static func isFunctionWord(_ word: String) -> Bool {
    articles.contains(word) || places.contains(word) || joining.contains(word)
      || word.allSatisfy { $0.isPunctuation }
  }
}
