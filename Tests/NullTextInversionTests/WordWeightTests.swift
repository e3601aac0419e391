import DiffusionCore
import Foundation
import NullTextInversion
import Testing

@Suite("Windows and emphasis of words") struct WordWeightTests {
  private struct Golden: Decodable {
    struct Weighted: Decodable {
      let target: GoldenPrompt
      let weights: [String: Float]
      let factors: [Float]
    }
    struct Windowed: Decodable {
      let target: GoldenPrompt
      let steps: Int
      let `default`: StepWindow
      let words: [String: StepWindow]
      let ranges: [[Int]]
    }
    let emphases: [Weighted]
    let windows: [Windowed]
  }

  @Test("emphasis of words gives the reference's token factors")
  func goldenFactors() throws {
    let golden = try fixture("golden/mappers.json", as: Golden.self)
    #expect(!golden.emphases.isEmpty)
    for record in golden.emphases {
      let emphasis = record.weights.map { Emphasis($0.key, $0.value) }
      #expect(try emphasis.equalizer(target: record.target.prompt) == record.factors)
    }
  }

  @Test("word windows give the reference's table")
  func goldenTable() throws {
    let golden = try fixture("golden/mappers.json", as: Golden.self)
    #expect(!golden.windows.isEmpty)
    for record in golden.windows {
      let schedule = try CrossAttentionSchedule(
        record.default, words: record.words.map { WordWindow($0.key, $0.value) },
        target: record.target.prompt,
        steps: record.steps)
      #expect(schedule.alphas.count == record.steps + 1)
      for (token, range) in record.ranges.enumerated() {
        let active = (0..<record.steps).filter { schedule.alphas[$0][token] == 1 }
        #expect(active == Array(range[0]..<range[1]), "\(record.target.text), token \(token)")
        #expect(schedule.alphas.allSatisfy { $0[token] == 0 || $0[token] == 1 })
      }
    }
  }

  @Test("with 50 steps, a word's 0.4 covers its first 20 rows, and other words keep all 51")
  func published() throws {
    let target = toy("a lion and a cub", pieces: ["lion": 2])
    let table = try CrossAttentionSchedule(1, words: [WordWindow("lion", 0.4)], target: target, steps: 50)
      .alphas
    #expect(table.count == 51)
    for (row, alphas) in table.enumerated() {
      for (token, alpha) in alphas.enumerated() {
        #expect(alpha == ([2, 3].contains(token) && row >= 20 ? 0 : 1))
      }
    }
  }

  @Test(
    "if only words have windows, other words use the source's attention throughout; the last window of a word applies"
  )
  func defaults() throws {
    let windows = [WordWindow("lion", 0.2), WordWindow("a lion", try StepWindow(0.5, 1))]
    let table = try CrossAttentionSchedule(words: windows, target: toy("a lion roars"), steps: 9).alphas
    #expect(table.map { $0[2] } == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    #expect(table.map { $0[1] } == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    #expect(table.allSatisfy { $0[3] == 1 && $0[0] == 1 && $0[76] == 1 })
  }

  @Test("a word missing in the target prompt is an error that lists the prompt's words")
  func missing() {
    let target = toy("a lion roars")
    let window = #expect(throws: InputError.self) {
      try CrossAttentionSchedule(words: [WordWindow("cat", 0.2)], target: target, steps: 9)
    }
    #expect(window?.kind == .mismatch)
    #expect(window?.message.hasSuffix("the prompt's words are: a, lion, roars.") == true)
    let weight = #expect(throws: InputError.self) { try [Emphasis("cat", 2)].equalizer(target: target) }
    #expect(weight?.message.hasPrefix("The word to emphasize \"cat\" is not in the prompt") == true)
  }

  @Test("weights may have any sign but must be finite; the last weight of a word applies")
  func weights() throws {
    let target = toy("deep snow, snow")
    let factors = try [Emphasis("snow", 3), Emphasis("deep", 0), Emphasis("snow", -1.5)].equalizer(
      target: target)
    #expect(Array(factors.prefix(5)) == [1, 0, -1.5, -1.5, 1])
    #expect(throws: InputError.self) { try [Emphasis("snow", .nan)].equalizer(target: target) }
    #expect(throws: InputError.self) { try [Emphasis("snow", .infinity)].equalizer(target: target) }
  }

  @Test("weights and windows of words are parsed as written on the command line")
  func parsing() throws {
    #expect(try Emphasis(parsing: "silver=2") == Emphasis("silver", 2))
    #expect(try Emphasis(parsing: " silver cat = -1.5 ") == Emphasis("silver cat", -1.5))
    #expect(try Emphasis(parsing: "e=mc2=3") == Emphasis("e=mc2", 3))
    #expect(try WordWindow(parsing: "lion=0.1:0.5") == WordWindow("lion", StepWindow(0.1, 0.5)))
    for text in ["silver", "silver=", "=2", "silver=much", ""] {
      let error = #expect(throws: InputError.self) { try Emphasis(parsing: text) }
      #expect(error?.kind == .malformed)
      #expect(throws: InputError.self) { try WordWindow(parsing: text) }
    }
  }

  @Test("weights and windows of words are decoded from a file")
  func json() throws {
    let data = Data(#"[{"word": "lion", "window": [0.1, 0.5]}, {"word": "cub", "window": 0.4}]"#.utf8)
    let windows = try JSONDecoder().decode([WordWindow].self, from: data)
    #expect(windows == [WordWindow("lion", try StepWindow(0.1, 0.5)), WordWindow("cub", 0.4)])
    #expect(try JSONDecoder().decode([WordWindow].self, from: JSONEncoder().encode(windows)) == windows)
    let emphasis = [Emphasis("snow", -1.5)]
    #expect(try JSONDecoder().decode([Emphasis].self, from: JSONEncoder().encode(emphasis)) == emphasis)
  }
}
