import NullTextInversion
import Tensor
import Testing

@testable import DiffusionCore

@Suite("Prompt-to-prompt attention edits") struct AttentionEditTests {
  private struct Golden: Decodable {
    let source: CodedPrompt
    let target: CodedPrompt
    let mode: ControllerChoice
    let step: Int
    let window: StepWindow
    let wordWindows: [WordWindow]
    let emphasis: [Emphasis]
    let seed: Int
    let result: [Float]
  }

  @Test("replacement, refinement, emphasis and windows together give PyTorch's attention")
  func golden() throws {
    let records = try fixture("words/edits.json", as: [Golden].self)
    #expect(records.count == 8)
    for record in records {
      let edit = try AttentionEdit(
        from: record.source.words, to: record.target.words, steps: 10,
        PromptToPrompt(
          controller: record.mode, crossSteps: record.window, crossStepsOfWords: record.wordWindows,
          emphasis: record.emphasis))
      var noise = Noise(seed: record.seed)
      let (source, target) = (noise.tensor([1, 2, 77]), noise.tensor([1, 2, 77]))
      let result = edit.crossAttention(source: source, target: target, step: record.step)
      let worst = zip(result.scalars, record.result).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst < 1e-6, "\(record.source.text) -> \(record.target.text)")
    }
  }

  private func attention(seed: Int) -> (source: Tensor, target: Tensor) {
    var noise = Noise(seed: seed)
    return (noise.tensor([2, 700, 77]), noise.tensor([2, 700, 77]))
  }

  @Test("equal prompts use the source's attention in the window and their own after it")
  func equalPrompts() throws {
    let (source, target) = attention(seed: 1)
    for controller in ControllerChoice.allCases {
      let edit = try AttentionEdit(
        from: toy("a cat on grass"), to: toy("a cat on grass"), steps: 10,
        PromptToPrompt(controller: controller, crossSteps: 0.5))
      for step in 0..<10 {
        let result = edit.crossAttention(source: source, target: target, step: step)
        #expect(result == (step < 5 ? source : target))
        #expect(edit.readsSource(step: step) == (step < 5))
        #expect(edit.changesCrossAttention(step: step) == (step < 5))
      }
    }
  }

  @Test("a new word keeps its own, weighted attention, and other words use the source's")
  func newWord() throws {
    let (source, target) = attention(seed: 2)
    let edit = try AttentionEdit(
      from: toy("a cat"), to: toy("a red cat"), steps: 4,
      PromptToPrompt(crossSteps: 1, emphasis: [Emphasis("red", -2)]))
    #expect(edit.controller == .refine)
    let result = edit.crossAttention(source: source, target: target, step: 3).scalars
    let (base, own) = (source.scalars, target.scalars)
    for row in 0..<1400 {
      let row = row * 77
      let cat = [result[row + 1], result[row + 2], result[row + 3], result[row + 4], result[row + 76]]
      #expect(cat == [base[row + 1], -2 * own[row + 2], base[row + 2], base[row + 3], base[row + 76]])
    }
  }

  @Test("a word outside its window is unchanged, whatever its weight")
  func closedWindow() throws {
    let edit = try AttentionEdit(
      from: toy("a cat"), to: toy("a dog"), steps: 10,
      PromptToPrompt(
        crossSteps: 0, crossStepsOfWords: [WordWindow("dog", 0.5)],
        emphasis: [Emphasis("dog", 4), Emphasis("a", 9)]))
    let (source, target) = attention(seed: 3)
    let early = edit.crossAttention(source: source, target: target, step: 0).scalars
    #expect(early[2] == 4 * source.scalars[2])
    #expect(early[1] == target.scalars[1])
    #expect(!edit.changesCrossAttention(step: 7))
    #expect(edit.crossAttention(source: source, target: target, step: 7) == target)
  }

  @Test("self-attention is the source's within its window, on grids up to the limit")
  func selfAttention() throws {
    let edit = try AttentionEdit(
      from: toy("a cat"), to: toy("a dog"), steps: 50,
      PromptToPrompt(selfSteps: try StepWindow(0.1, 0.5)))
    func site(_ side: Int) -> AttentionSite {
      AttentionSite(index: 0, place: .up, isCross: false, height: side, width: side, heads: 8)
    }
    let grids = [8, 16, 32, 64].filter { edit.replacesSelfAttention(step: 10, at: site($0)) }
    #expect(grids == [8, 16, 32])
    #expect((0..<50).filter { edit.replacesSelfAttention(step: $0, at: site(8)) } == Array(5..<25))
    let small = try AttentionEdit(
      from: toy("a cat"), to: toy("a dog"), steps: 50, PromptToPrompt(selfGrid: 16))
    #expect(!small.replacesSelfAttention(step: 0, at: site(32)))
    #expect((0..<50).filter { small.replacesSelfAttention(step: $0, at: site(16)) } == Array(0..<20))
  }

  @Test("editing heads together or separately gives the same result")
  func heads() throws {
    let edit = try AttentionEdit(
      from: toy("a cat", pieces: ["cat": 3]), to: toy("a dog", pieces: ["dog": 2]), steps: 2)
    let (source, target) = attention(seed: 4)
    let result = edit.crossAttention(source: source, target: target, step: 0)
    let halves = [0..<1, 1..<2].map { edit.crossAttention(source: source[$0], target: target[$0], step: 0) }
    #expect(result.scalars == halves.flatMap(\.scalars))
  }
}
