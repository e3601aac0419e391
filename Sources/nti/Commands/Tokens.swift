internal import ArgumentParser
internal import NullTextInversion

/// Prints the tokens of a text.
struct Tokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the tokens of a text and the word that each belongs to.")

  @Argument(help: ArgumentHelp("A caption or a prompt.", valueName: "text"))
  var text: String

  @OptionGroup var model: ModelOption

  @Flag(name: .long, help: "Print the result as one line of JSON.")
  var json = false

  func run() throws {
    let chosen = try model.open()
    let prompt = try chosen.check(text, as: "text")
    let words = PromptWords(prompt).words
    let rows = prompt.ids.enumerated().map { position, id in
      Row(
        position: position, id: id, token: chosen.tokenizer.decode(id),
        word: words.first { $0.tokens.contains(position) }?.text)
    }
    if json {
      print(
        try JSONText.line(Listing(count: rows.count, limit: chosen.tokenizer.maximumLength, tokens: rows))
      )
    } else {
      for row in rows { print("\(row.position)\t\(row.id)\t\(row.token)\t\(row.word ?? "")") }
      let limit = chosen.tokenizer.maximumLength
      print("\(rows.count) of \(limit) tokens, \(limit - rows.count) left")
    }
  }

  private struct Listing: Encodable {
    let count: Int
    let limit: Int
    let tokens: [Row]
  }

  private struct Row: Encodable {
    let position: Int
    let id: Int
    let token: String
    let word: String?
  }
}
