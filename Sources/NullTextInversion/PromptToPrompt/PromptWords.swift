/// The words of a prompt and the tokens of each word.
///
/// Words are separated by white space; punctuation belongs to the word it is attached to. The tokens of a word are
/// found from each token's range in the text, so accents, emoji and double spaces are handled correctly. A word
/// without tokens, such as an invisible character, is omitted, because the network does not receive it.
///
/// ```swift
/// let words = try PromptWords(tokenizer.encode("a silver cat, asleep"))
/// let cat = try words.tokens(of: "cat")  // [3, 4], including the token of the comma
/// let both = try words.tokens(of: "silver cat")  // [2, 3, 4]
/// ```
public struct PromptWords: Sendable, Equatable {
  /// A word and its tokens.
  public struct Word: Sendable, Equatable {
    /// The text of the word, including punctuation.
    public let text: String

    /// The positions of the word's tokens; the start token has position 0.
    public let tokens: Range<Int>
  }

  /// The tokenized prompt.
  public let prompt: TokenizedPrompt

  /// The words in the order of the text.
  public let words: [Word]

  /// Finds the words of a prompt.
  ///
  /// A token that spans two words belongs to the word in which it starts.
  public init(_ prompt: TokenizedPrompt) {
    let scalars = Array(prompt.text.unicodeScalars)
    let spans = scalars.indices.split { scalars[$0].properties.isWhitespace }.map {
      $0.startIndex..<$0.endIndex
    }
    var tokens: [Range<Int>?] = spans.map { _ in nil }
    var current = 0
    for token in prompt.ids.indices.dropFirst().dropLast() where !spans.isEmpty {
      let range = prompt.ranges[token].clamped(to: scalars.indices)
      let start = range.first { !scalars[$0].properties.isWhitespace } ?? range.lowerBound
      while current + 1 < spans.count, spans[current + 1].lowerBound <= start { current += 1 }
      tokens[current] = (tokens[current]?.lowerBound ?? token)..<token + 1
    }
    self.prompt = prompt
    words = zip(spans, tokens).compactMap { span, tokens in
      guard let tokens else { return nil }
      return Word(text: String(String.UnicodeScalarView(scalars[span])), tokens: tokens)
    }
  }
}

extension PromptWords {
  /// Returns the token positions of every occurrence of a word or phrase.
  ///
  /// A phrase in lower case without punctuation matches every occurrence, ignoring case and punctuation. A phrase
  /// with capitals or punctuation matches exact occurrences, or, if there are none, all occurrences ignoring case and
  /// punctuation.
  ///
  /// - Throws: `InputError` of kind `mismatch` that lists the words of the prompt if there is no occurrence.
  public func tokens(of phrase: String) throws -> [Int] { try tokens(of: phrase, as: "word") }

  /// Returns the token positions of a phrase; `role` describes the phrase in the error, as in "word to blend".
  package func tokens(of phrase: String, as role: String) throws -> [Int] {
    let sought = phrase.split(whereSeparator: \.isWhitespace).map(String.init)
    guard !sought.isEmpty else { throw InputError(.mismatch, "The \(role) is empty; \(inventory).") }
    let bare = sought.map(Self.bare)
    var places = self.places(of: bare) { Self.bare($0.text) }
    if sought != bare {
      let asWritten = self.places(of: sought) { $0.text }
      if !asWritten.isEmpty { places = asWritten }
    }
    guard !places.isEmpty else {
      throw InputError(
        .mismatch, "The \(role) \"\(phrase)\" is not in the prompt \"\(prompt.text)\"; \(inventory).")
    }
    return Set(places.flatMap { $0.flatMap { words[$0].tokens } }).sorted()
  }

  /// Returns the sorted token positions of several phrases.
  package func tokens(ofAny phrases: [String], as role: String) throws -> [Int] {
    Set(try phrases.flatMap { try tokens(of: $0, as: role) }).sorted()
  }

  /// Returns the runs of words whose `form` equals `sought`.
  private func places(of sought: [String], form: (Word) -> String) -> [Range<Int>] {
    guard words.count >= sought.count else { return [] }
    return (0...words.count - sought.count).lazy.map { $0..<$0 + sought.count }
      .filter { words[$0].map(form) == sought }
  }

  /// Returns a word in lower case without surrounding punctuation; a word of punctuation only is returned unchanged.
  private static func bare(_ word: String) -> String {
    let inner = word.drop(while: \.isPunctuation)
    guard let last = inner.lastIndex(where: { !$0.isPunctuation }) else { return word }
    return inner[...last].lowercased()
  }

  /// A clause that lists the prompt's words, for error messages.
  private var inventory: String {
    var seen: Set<String> = []
    let unique = words.map(\.text).filter { seen.insert($0).inserted }
    return unique.isEmpty
      ? "the prompt has no words" : "the prompt's words are: \(unique.joined(separator: ", "))"
  }
}
