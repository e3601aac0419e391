import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Cancellation") struct CancellationTests {
  /// Runs `work` and cancels it at its `event`-th progress event.
  ///
  /// - Returns: The evaluations until the cancellation and at the end; nil if the work ended before.
  private func cancelling(
    at event: Int, _ counter: EvaluationCounter,
    _ work: @escaping @Sendable (@escaping ProgressHandler) async throws -> Void
  ) async throws -> (then: EvaluationCount, end: EvaluationCount)? {
    let state = Lock((events: 0, then: EvaluationCount?.none))
    let task = Task {
      try await work { _ in
        let isDue = state.withLock { state in
          state.events += 1
          if state.events == event { state.then = counter.total }
          return state.events == event
        }
        if isDue { withUnsafeCurrentTask { $0?.cancel() } }
      }
    }
    do {
      try await task.value
      return nil
    } catch is CancellationError {
      return (try #require(state.withLock { $0.then }), counter.total)
    }
  }

  @Test(
    "a cancelled inversion starts no further evaluation",
    arguments: [
      (.nullText(SmallInversion.nullText), 3 + 3 * 3), (.negativePrompt(), 3 + 3), (.ddim, 3 + 3),
      (.direct, 3), (.globalNullText(SmallInversion.globalNullText), 3 + 2 + 3),
    ] as [(InversionMethod, Int)])
  func inversions(method: InversionMethod, steps: Int) async throws {
    // Besides its steps, an inversion reports the beginning and end of one encoding and two decodings; direct
    // inversion has only one decoding.
    let events = steps + (method == .direct ? 4 : 6)
    var small = try SmallInversion(steps: 3)
    small.options.method = method
    let (options, caption) = (small.options, small.caption)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    for event in 1..<events {
      let counts = try await cancelling(at: event, editor.model.counter) { progress in
        _ = try await editor.invert(
          image: SmallInversion.picture, caption: caption, options: options, progress: progress)
      }
      let (then, end) = try #require(counts, "event \(event)")
      #expect(then == end, "event \(event)")
    }
    let complete = try await cancelling(at: events + 1, editor.model.counter) { progress in
      _ = try await editor.invert(
        image: SmallInversion.picture, caption: caption, options: options, progress: progress)
    }
    #expect(complete == nil)
  }

  @Test(
    "a cancelled edit starts no further evaluation",
    arguments: [
      EditControl.promptToPrompt(), .none, .masaCtrl(), .sdEdit(SDEdit(strength: 1)),
    ])
  func edits(control: EditControl) async throws {
    let small = try SmallInversion(steps: 4)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let inverted = try editor.open(try small.inversion(for: .direct))
    for event in 1..<4 {
      let counts = try await cancelling(at: event, editor.model.counter) { progress in
        var options = EditOptions()
        options.control = control
        _ = try await inverted.edit(
          prompts: ["a dog on the mat", "a fox"], options: options, progress: progress)
      }
      let (then, end) = try #require(counts)
      #expect(then == end)
    }
  }

  @Test("a cancellation from outside, at any time, costs at most one evaluation")
  func fromOutside() async throws {
    let small = try SmallInversion(steps: 100)
    var options = small.options
    options.nullText?.innerSteps = 10
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let (caption, counter, unbounded) = (small.caption, editor.model.counter, options)
    let work = Task {
      _ = try await editor.invert(image: SmallInversion.picture, caption: caption, options: unbounded)
    }
    while counter.total.forward < 103 { await Task.yield() }
    work.cancel()
    let then = counter.total
    await #expect(throws: CancellationError.self) { try await work.value }
    let more = counter.total - then
    #expect(more.forward <= 1 && more.stem <= 1 && more.backward <= 1)
  }

  @Test("an already cancelled task does no work")
  func before() async throws {
    let small = try SmallInversion()
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let folder = try ScratchFolder()
    let (caption, options) = (small.caption, small.options)
    let inverted = try editor.open(try small.inversion(for: .direct))
    func cancelled(_ work: @escaping @Sendable () async throws -> Void) async throws {
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        try await work()
      }
      await #expect(throws: CancellationError.self) { try await task.value }
    }
    try await cancelled {
      _ = try await editor.invert(
        image: SmallInversion.picture, caption: caption, options: options,
        files: InversionFiles(result: folder("a.nti")))
    }
    try await cancelled { _ = try await inverted.edit(prompt: "a dog on the mat") }
    try await cancelled { _ = try await inverted.reconstruction() }
    try await cancelled {
      _ = try await editor.generate(prompt: "a dog", options: GenerationOptions(steps: 2))
    }
    #expect(editor.model.counter.total == EvaluationCount())
    #expect(try folder.names.isEmpty)
  }

  @Test("leaving the loop over updates ends the work")
  func leavingTheLoop() async throws {
    let small = try SmallInversion(steps: 100)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    for try await update in editor.inversionUpdates(
      image: SmallInversion.picture, caption: small.caption, options: small.options)
    {
      if case .progress(let progress) = update, progress.step >= 2 { break }
    }
    // Calls of an editor run one at a time, so the work has ended when this call begins.
    _ = try await editor.generate(prompt: "a dog", options: GenerationOptions(steps: 1))
    #expect(editor.model.counter.total.forward < 300)
  }

  @Test("updates report every step in order, and the result comes last")
  func updates() async throws {
    let small = try SmallInversion(steps: 3)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    var events: [EditorProgress] = []
    var inverted: InvertedImage?
    for try await update in editor.inversionUpdates(
      image: SmallInversion.picture, caption: small.caption, options: small.options)
    {
      #expect(inverted == nil)
      switch update {
      case .progress(let progress): events.append(progress)
      case .finished(let result): inverted = result
      }
    }
    func repeated(_ phase: EditorProgress.Phase, _ count: Int) -> [EditorProgress.Phase] {
      Array(repeating: phase, count: count)
    }
    #expect(
      events.map(\.phase) == repeated(.encoding, 2) + repeated(.decoding, 2) + repeated(.pivots, 3)
        + repeated(.optimization, 9) + repeated(.decoding, 2))
    #expect(events.map(\.step) == [0, 1, 0, 1, 1, 2, 3, 0, 0, 1, 1, 1, 2, 2, 2, 3, 0, 1])
    #expect(events.map(\.innerStep) == [0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0])
    #expect(events.allSatisfy { $0.elapsed >= .zero && ($0.remaining ?? .zero) >= .zero })
    #expect(events.map(\.elapsed) == events.map(\.elapsed).sorted())
    #expect(events.map(\.fraction) == events.map(\.fraction).sorted())
    #expect(events.first?.fraction == 0 && events.last?.fraction == 1)
    #expect(events.last?.remaining == .zero && events.dropFirst(5).allSatisfy { $0.evaluation != nil })
    let losses = events.filter { $0.phase == .optimization && $0.innerStep == 0 }.map(\.loss)
    #expect(losses == inverted?.inversion.losses.map { $0 })

    var edits = 0
    for try await update in try #require(inverted).editUpdates(prompt: "a dog on the mat") {
      switch update {
      case .progress(let progress):
        guard progress.phase == .sampling else { continue }
        edits += 1
        #expect(progress.step == edits && progress.stepCount == 3)
      case .finished(let result): #expect(result.prompt == "a dog on the mat" && edits == 3)
      }
    }
  }
}
