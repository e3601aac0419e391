import DiffusionCore
import NullTextInversion
import Testing

@Suite("Words of a prompt") struct PromptWordsTests {
  private struct Prompts: Decodable {
    let plain: [PlainPrompt]
    let unusual: [CodedPrompt]
  }

  private struct PlainPrompt: Decodable {
    let coded: CodedPrompt
    let words: [(text: String, tokens: [Int])]

    init(from decoder: any Decoder) throws {
      coded = try CodedPrompt(from: decoder)
      var list = try decoder.container(keyedBy: Key.self).nestedUnkeyedContainer(forKey: .words)
      var words: [(String, [Int])] = []
      while !list.isAtEnd {
        var pair = try list.nestedUnkeyedContainer()
        words.append((try pair.decode(String.self), try pair.decode([Int].self)))
      }
      self.words = words
    }

    private enum Key: String, CodingKey { case words }
  }

  @Test("plain texts have the words and tokens that the published method finds from decoded tokens")
  func published() throws {
    let prompts = try fixture("words/prompts.json", as: Prompts.self)
    #expect(prompts.plain.count == 8)
    for prompt in prompts.plain {
      let found = prompt.coded.words.words
      #expect(found.map(\.text) == prompt.words.map(\.text))
      #expect(found.map { Array($0.tokens) } == prompt.words.map(\.tokens), "\(prompt.coded.text)")
    }
  }

  private func unusual(_ text: String) throws -> PromptWords {
    let prompts = try fixture("words/prompts.json", as: Prompts.self)
    return try #require(prompts.unusual.first { $0.text.unicodeScalars.elementsEqual(text.unicodeScalars) })
      .words
  }

  @Test("a text without words has none", arguments: ["", "   "])
  func empty(text: String) throws {
    #expect(try unusual(text).words.isEmpty)
  }

  @Test(
    "any amount and kind of white space separates words",
    arguments: ["a cat  on   grass ", "\ta cat\non grass"])
  func whiteSpace(text: String) throws {
    let words = try unusual(text)
    #expect(words.words.map(\.text) == ["a", "cat", "on", "grass"])
    #expect(words.words.map(\.tokens) == [1..<2, 2..<3, 3..<4, 4..<5])
  }

  @Test("words with accents, emoji and other scripts have their tokens")
  func unicode() throws {
    #expect(try unusual("a café in Kraków").tokens(of: "Kraków") == [4, 5, 6, 7])
    #expect(try unusual("a café in Kraków").tokens(of: "cafe\u{301}") == [2])
    #expect(try unusual("a cafe\u{301} in winter").tokens(of: "café") == [2])
    #expect(try unusual("a cafe\u{301} in winter").tokens(of: "winter") == [4])
    let emoji = try unusual("a 🐱 next to a 🐶🐶 on grass")
    #expect(try emoji.tokens(of: "🐱") == [2, 3])
    #expect(try emoji.tokens(of: "🐶🐶") == [7, 8])
    #expect(try emoji.tokens(of: "grass") == [10])
    #expect(try unusual("一只猫 on grass").words.map(\.tokens) == [1..<10, 10..<11, 11..<12])
    #expect(try unusual("a cat 👩‍🚀 & a dog - 'asleep'").words.map(\.tokens.count) == [1, 1, 4, 1, 1, 1, 1, 3])
  }

  @Test("a plain word is found anywhere, ignoring case and surrounding punctuation")
  func looseMatch() throws {
    let words = try unusual("A Cat, and (another) CAT.")
    #expect(try words.tokens(of: "cat") == [2, 3, 8, 9])
    #expect(try words.tokens(of: "another") == [5, 6, 7])
    #expect(try words.tokens(of: "a") == [1])
    #expect(try words.tokens(of: "Another!") == [5, 6, 7])
  }

  @Test("a word with capitals or punctuation matches exact occurrences if there are any")
  func exactMatch() throws {
    let words = try unusual("A Cat, and (another) CAT.")
    #expect(try words.tokens(of: "Cat,") == [2, 3])
    #expect(try words.tokens(of: "CAT.") == [8, 9])
    #expect(try words.tokens(of: "CaT") == [2, 3, 8, 9])
  }

  @Test("words of punctuation only are found")
  func punctuation() throws {
    let words = try unusual("a cat 👩‍🚀 & a dog - 'asleep'")
    #expect(try words.tokens(of: "&") == [7])
    #expect(try words.tokens(of: "-") == [10])
    #expect(try words.tokens(of: "asleep") == [11, 12, 13])
  }

  @Test("all occurrences of a repeated word are found")
  func repeated() throws {
    #expect(try toy("the cat and the cat").tokens(of: "cat") == [2, 5])
    #expect(try toy("a a b").tokens(of: "a") == [1, 2])
  }

  @Test("a phrase is found where its words are consecutive")
  func phrase() throws {
    let words = toy("a silver cat and a silver Cat, a cat", pieces: ["silver": 2])
    #expect(try words.tokens(of: "silver cat") == [2, 3, 4, 7, 8, 9])
    #expect(try words.tokens(of: " silver   Cat, ") == [7, 8, 9])
    #expect(throws: InputError.self) { try words.tokens(of: "cat silver") }
    #expect(try toy("a a a").tokens(of: "a a") == [1, 2, 3])
  }

  @Test("a missing word is an error that lists each word of the prompt once")
  func missing() throws {
    let error = #expect(throws: InputError.self) { try toy("the cat and the dog,").tokens(of: "bird") }
    #expect(error?.kind == .mismatch)
    #expect(
      error?.message
        == "The word \"bird\" is not in the prompt \"the cat and the dog,\"; the prompt's words are: the, cat, and, dog,."
    )
    let nothing = #expect(throws: InputError.self) { try toy("  ").tokens(of: "cat") }
    #expect(nothing?.message == "The word \"cat\" is not in the prompt \"  \"; the prompt has no words.")
    let empty = #expect(throws: InputError.self) { try toy("a cat").tokens(of: " ") }
    #expect(empty?.message == "The word is empty; the prompt's words are: a, cat.")
  }

  @Test("a token that spans two words belongs to the first, and a word without tokens is omitted")
  func strayTokens() {
    let glued = PromptWords(
      TokenizedPrompt(text: "ab cd ef", ids: [0, 5, 6, 1], ranges: [0..<0, 0..<5, 6..<8, 0..<0]))
    #expect(glued.words.map(\.text) == ["ab", "ef"])
    #expect(glued.words.map(\.tokens) == [1..<2, 2..<3])
    let spaced = PromptWords(
      TokenizedPrompt(text: "a b", ids: [0, 5, 6, 1], ranges: [0..<0, 0..<1, 1..<3, 3..<3]))
    #expect(spaced.words.map(\.tokens) == [1..<2, 2..<3])
  }
}
