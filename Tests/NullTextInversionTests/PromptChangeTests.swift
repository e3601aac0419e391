import DiffusionCore
import Testing

@testable import NullTextInversion

@Suite("Changes between two prompts") struct PromptChangeTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let (from, to): (String, String)
    let kind: EditKind
    var source: [String] = []
    var target: [String] = []
    var testDescription: String { "\(from) → \(to)" }
  }

  static let cases: [Case] = [
    Case(from: "a cat on a chair", to: "A cat, on a chair.", kind: .none),
    Case(
      from: "a cat sitting next to a mirror", to: "a tiger sitting next to a mirror", kind: .replacement,
      source: ["cat"], target: ["tiger"]),
    Case(
      from: "an orange on red checks", to: "a tree on red checks", kind: .replacement, source: ["orange"],
      target: ["tree"]),
    Case(
      from: "a bowl of soup on a table", to: "a bowl of soup on a chair", kind: .replacement,
      source: ["table"], target: ["chair"]),
    Case(
      from: "a silver car", to: "an old bus", kind: .replacement, source: ["silver car"], target: ["old bus"]),
    Case(
      from: "a red car on an orange background", to: "a red car next to a balloon on an orange background",
      kind: .addition, target: ["balloon"]),
    Case(from: "a cat", to: "a cat and a small dog", kind: .addition, target: ["small dog"]),
    Case(from: "a man", to: "a man wearing a hat", kind: .addition, target: ["hat"]),
    Case(
      from: "a donut next to a panda on a white background", to: "a donut on a white background",
      kind: .removal, source: ["panda"]),
    Case(from: "a panda next to a donut in snow", to: "a donut in snow", kind: .removal, source: ["panda"]),
    Case(
      from: "an owl at night", to: "a pink owl at night", kind: .attribute, source: ["owl"], target: ["owl"]),
    Case(
      from: "a blue car next to a dog", to: "a red car next to a dog", kind: .attribute, source: ["car"],
      target: ["car"]),
    Case(
      from: "a small green lemon", to: "a small lemon", kind: .attribute, source: ["lemon"], target: ["lemon"]
    ),
    Case(
      from: "a rocket on gray checks", to: "a rocket on grass", kind: .background, source: ["gray checks"],
      target: ["grass"]),
    Case(
      from: "a big tree at sunset", to: "a big tree at night", kind: .background, source: ["sunset"],
      target: ["night"]),
    Case(from: "a cat on grass", to: "a cat in snow", kind: .background, source: ["grass"], target: ["snow"]),
    Case(from: "a cat", to: "a cat in snow", kind: .background, target: ["snow"]),
    Case(
      from: "a cat on a blue background", to: "a cat on a red background", kind: .background,
      source: ["blue"], target: ["red"]),
    Case(from: "a red watermelon on stripes", to: "a sketch of a red watermelon on stripes", kind: .style),
    Case(from: "a photo of a house", to: "a watercolor painting of a house", kind: .style),
    Case(
      from: "a cat on grass", to: "a blue dog in snow", kind: .other, source: ["cat", "grass"],
      target: ["blue dog", "snow"]),
  ]

  @Test("the kind of edit and its words are found", arguments: cases) func kinds(_ example: Case) {
    let change = PromptChange(from: example.from, to: example.to)
    #expect(change.kind == example.kind)
    #expect(change.source == example.source && change.target == example.target)
  }

  @Test("swapping the prompts reverses the change", arguments: cases) func reversed(_ example: Case) {
    let change = PromptChange(from: example.to, to: example.from)
    let turned: [EditKind: EditKind] = [.addition: .removal, .removal: .addition]
    #expect(change.kind == turned[example.kind] ?? example.kind)
    #expect(change.source == example.target && change.target == example.source)
  }

  @Test("the kept objects are named without their places") func kept() {
    let change = PromptChange(
      from: "a penguin next to a unicorn on a pink background", to: "a penguin on a pink background")
    #expect(change.kept == ["penguin"])
    let other = PromptChange(
      from: "a cat on a sofa next to a dog and a hat", to: "a cat on a sofa next to a dog")
    #expect(other.kept == ["cat", "dog"] && other.kind == .removal)
  }

  @Test(
    "unusual texts are compared without errors",
    arguments: ["", " ", "…", "of of of", "a a a a", "🦊 🦊", "next to next to"])
  func oddTexts(text: String) {
    #expect(PromptChange(from: text, to: text).kind == .none)
    for other in ["", "a cat", "a photo of a cat in snow"] {
      let change = PromptChange(from: text, to: other)
      #expect(change.kind == .none || !other.isEmpty || !text.isEmpty)
    }
  }
}
