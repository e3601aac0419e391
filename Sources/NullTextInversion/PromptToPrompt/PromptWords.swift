/// The words of a prompt, and the tokens of each.
///
/// Words are what stands between white space; punctuation belongs to the word it touches. Which tokens a word has is
/// found from the part of the text each token came from, so accents, emoji and double spaces do no harm. A word
/// that leaves no token (an invisible character, say) is not counted, since the network never sees it.
///
///     let words = PromptWords(tokenizer.tokenize("a silver cat, asleep"))
///     try words.tokens(of: "cat")          // [3, 4], the token of the comma included
///     try words.tokens(of: "silver cat")   // [2, 3, 4]
public struct PromptWords: Sendable, Equatable {
  /// A word and its tokens.
  public struct Word: Sendable, Equatable {
    /// The word as it is written, punctuation included.
    public let text: String

    /// The positions of its tokens; the start token is position 0.
    public let tokens: Range<Int>
  }

  /// The prompt these are the words of.
  public let prompt: TokenizedPrompt

  /// The words in the order of the text.
  public let words: [Word]

  /// The words of a prompt.
  ///
  /// A token that reaches over two words belongs to the one it starts in.
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
  /// The positions of the tokens of every occurrence of a word, or of several words that follow each other.
  ///
  /// A word in plain lower case means every occurrence, whatever its capitals and the punctuation around it. A word with
  /// capitals or punctuation means the occurrences written exactly so, if there are any, and otherwise every one.
  ///
  /// - Throws: `InputError` of kind `mismatch` that lists the words of the prompt, if the word is not among them.
  public func tokens(of phrase: String) throws -> [Int] { try tokens(of: phrase, as: "word") }

  /// The same; `role` says in the error what the word was meant for ("word to blend").
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

  /// The positions of the tokens of any of several words, in order.
  package func tokens(ofAny phrases: [String], as role: String) throws -> [Int] {
    Set(try phrases.flatMap { try tokens(of: $0, as: role) }).sorted()
  }

  /// The runs of words whose `form` is `sought`.
  private func places(of sought: [String], form: (Word) -> String) -> [Range<Int>] {
    guard words.count >= sought.count else { return [] }
    return (0...words.count - sought.count).lazy.map { $0..<$0 + sought.count }
      .filter { words[$0].map(form) == sought }
  }

  /// A word without capitals and without the punctuation around it; one that is all punctuation stays as it is.
  private static func bare(_ word: String) -> String {
    let inner = word.drop(while: \.isPunctuation)
    guard let last = inner.lastIndex(where: { !$0.isPunctuation }) else { return word }
    return inner[...last].lowercased()
  }

  /// What words there are, as the end of a sentence.
  private var inventory: String {
    var seen: Set<String> = []
    let unique = words.map(\.text).filter { seen.insert($0).inserted }
    return unique.isEmpty
      ? "that prompt has no words" : "the words there are: \(unique.joined(separator: ", "))"
  }
}
