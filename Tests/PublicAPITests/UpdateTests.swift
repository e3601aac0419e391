import NullTextInversion
import Testing

@Suite("Updates") struct UpdateTests {
  /// Returns the reported steps and the result.
  private func collect<Result: Sendable>(_ updates: EditorUpdates<Result>) async throws -> (
    steps: [Int], result: Result
  ) {
    var steps: [Int] = []
    var result: Result?
    for try await update in updates {
      switch update {
      case .progress(let progress):
        #expect(result == nil && progress.elapsed >= .zero)
        let isWalk = [.pivots, .optimization, .sampling].contains(progress.phase)
        if isWalk { steps.append(progress.step) }
      case .finished(let value): result = value
      }
    }
    return (steps, try #require(result))
  }

  @Test("updates of every long call arrive step by step, and the result comes last")
  func all() async throws {
    let editor = try await SmallEditor.editor()
    let inversion = try await collect(
      editor.inversionUpdates(
        image: SmallEditor.picture, caption: SmallEditor.caption, options: SmallEditor.options))
    #expect(inversion.steps == [1, 2, 3, 4])
    let inverted = inversion.result
    let one = try await collect(inverted.editUpdates(prompt: "a dog on the mat"))
    #expect(one.steps == [1, 2, 3, 4])
    let several = try await collect(inverted.editUpdates(prompts: ["a dog on the mat", "a fox"]))
    #expect(several.steps == [1, 2, 3, 4] && several.result.count == 2)
    #expect(several.result[0].image == one.result.image)
    let maps = try await collect(inverted.attentionMapUpdates())
    #expect(maps.steps == [1, 2, 3, 4] && maps.result.steps == 0..<4)
    let edited = try await collect(inverted.attentionMapUpdates(prompt: "a dog on the mat"))
    #expect(edited.result.edited.image == one.result.image)
    let options = GenerationOptions(steps: 3)
    let generated = try await collect(editor.generationUpdates(prompt: "a cat", options: options))
    #expect(generated.steps == [1, 2, 3])
    #expect(try await editor.generate(prompt: "a cat", options: options) == generated.result)
  }

  @Test("leaving the loop cancels the call")
  func leaving() async throws {
    let editor = try await SmallEditor.editor()
    let before = editor.model.counter.total
    for try await update in editor.generationUpdates(prompt: "a cat", options: GenerationOptions(steps: 500))
    {
      if case .progress = update { break }
    }
    // The next call waits in the queue, so it returns soon only if the first one, which has 500 steps, was cancelled.
    _ = try await editor.generate(prompt: "a cat", options: GenerationOptions(steps: 1))
    #expect(editor.model.counter.total.forward - before.forward < 500)
  }
}
