import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Edits") struct EditTests {
  /// The inversion and the source of an edit file.
  private func source(_ name: String) throws -> (GoldenInversion, SourceBranch) {
    let golden = try GoldenInversion(name == "emoji" ? "emoji-short" : name)
    return (golden, SourceBranch(try golden.inversion(), byteLimit: 1 << 30))
  }

  /// Requires at least 60 dB, where every wrong implementation is below 50 dB.
  private func check(_ name: String, _ chosen: (GoldenEdit) -> Bool = { _ in true }) throws {
    let (golden, source) = try source(name)
    let latents = try SafetensorsFile(contentsOf: Fixtures.url("golden/edits-\(name).safetensors"))
    for edit in try GoldenEdit.all(name) where chosen(edit) {
      #expect(
        try #require(edit.wrong).values.allSatisfy { $0 < 50 }, "\(edit) distinguishes wrong implementations")
      let before = golden.model.counter.total
      let sampler = EditSampler(model: golden.model, source: source)
      let path = try sampler.sample([edit.prompt], options: edit.options())[0]
      let final = path.latents[golden.options.steps]
      expectClose(
        final, try latents.tensor(named: "\(edit).latent").channelsLast(), relative: 2e-3, "\(edit)"
      )
      let picture = try RGBImage(contentsOf: Fixtures.url("golden/edits-\(name)/\(edit).png"))
      let psnr = ImageMetrics.psnr(try golden.model.decode(final), picture)
      #expect(psnr >= 60, "\(edit): \(psnr) dB")
      let evaluations = golden.model.counter.total - before
      #expect(evaluations.forward <= 3 * golden.options.steps && evaluations.backward == 0)
    }
  }

  @Test("edits equal the reference's, on tiny models of every architecture", arguments: GoldenInversion.tiny)
  func tiny(name: String) throws { try check(name) }

  @Test("edits equal the reference's on the demo model: replacement")
  func replaced() throws { try check("emoji") { $0.title.hasPrefix("replace") } }

  @Test("edits equal the reference's on the demo model: refinement")
  func refined() throws { try check("emoji") { $0.title.hasPrefix("refine") } }

  @Test("edits equal the reference's on the demo model: windows and emphasis")
  func weighted() throws {
    try check("emoji") { ["windows", "emphasis", "self"].contains($0.title.prefix { $0 != "-" }) }
  }

  @Test("edits equal the reference's on the demo model: local blend")
  func blended() throws { try check("emoji") { $0.title.hasPrefix("blend") } }

  @Test("a second edit of an inversion does not evaluate the source, and gives the same result")
  func memory() throws {
    let (golden, source) = try source("four-levels")
    func edit(_ source: SourceBranch) throws -> (Tensor, EvaluationCount) {
      let before = golden.model.counter.total
      let path = try EditSampler(model: golden.model, source: source)
        .sample(["a dog sitting on the mat"], options: EditOptions())[0]
      return (path.latents[golden.options.steps], golden.model.counter.total - before)
    }
    let (first, firstCount) = try edit(source)
    let (second, secondCount) = try edit(source)
    let (unremembered, forgetfulCount) = try edit(SourceBranch(source.inversion, byteLimit: 0))
    #expect(first == second && first == unremembered)
    // Cross-attention is controlled in int(0.8 · 9) = 7 of 8 steps.
    #expect(firstCount.forward == 2 * 8 + 7 && forgetfulCount == firstCount)
    #expect(secondCount.forward == 2 * 8)
  }

  @Test("several prompts in one call give the results of single calls and share the source")
  func several() throws {
    let (golden, source) = try source("four-levels")
    let prompts = ["a dog sitting on the mat", "a big cat sitting on the mat"]
    let sampler = EditSampler(model: golden.model, source: source)
    let before = golden.model.counter.total
    let together = try sampler.sample(prompts, options: EditOptions())
    #expect((golden.model.counter.total - before).forward == 2 * 2 * 8 + 7)
    for (prompt, path) in zip(prompts, together) {
      #expect(try sampler.sample([prompt], options: EditOptions())[0].latents == path.latents)
    }
  }

  @Test("the caption without control reproduces the stored trajectory")
  func identity() throws {
    let (golden, source) = try source("four-levels")
    var options = EditOptions()
    options.control = .none
    let path = try EditSampler(model: golden.model, source: source)
      .sample([golden.caption], options: options)[0]
    for (latent, stored) in zip(path.latents, source.inversion.trajectory) {
      expectClose(latent, stored, relative: 1e-3)
    }
  }

  @Test("missing words end an edit before any evaluation, and the error names them")
  func missingWords() throws {
    let (golden, source) = try source("four-levels")
    var options = EditOptions()
    options.promptToPrompt?.emphasis = [Emphasis("zebra", 2)]
    let before = golden.model.counter.total
    let error = #expect(throws: InputError.self) {
      try EditSampler(model: golden.model, source: source)
        .sample(["a dog sitting on the mat"], options: options)
    }
    #expect(error?.kind == .mismatch && error?.message.contains("sitting") == true)
    #expect(golden.model.counter.total == before)
  }
}

@Suite("Attention maps") struct AttentionMapTests {
  @Test("maps are the layers' probabilities, averaged over heads, layers and steps")
  func sums() throws {
    let golden = try GoldenInversion("four-levels")
    let source = SourceBranch(try golden.inversion(), byteLimit: 1 << 30)
    let maps = try EditSampler(model: golden.model, source: source).sourceMaps()
    #expect(maps.steps == 0..<8)
    for grid in maps.grids {
      // Over all tokens, the attention of each position sums to one.
      let whole = try maps.map(ofTokens: Array(0..<77), grid: grid)
      for value in whole.scalars { #expect(abs(value * 77 - 1) < 1e-4) }
    }
    let (early, late) = (try maps.map(of: "cat", steps: 0..<4), try maps.map(of: "cat", steps: 4..<8))
    expectClose((early + late) * 0.5, try maps.map(of: "cat"), relative: 1e-5)
    #expect(throws: InputError.self) { try maps.map(of: "zebra") }
    #expect(throws: InputError.self) { try maps.map(of: "cat", grid: .init(height: 5, width: 5)) }
  }

  @Test("maps of SDEdit cover only the sampled steps; at strength 0 there are none, which is an error")
  func sdEdit() throws {
    let golden = try GoldenInversion("four-levels")
    let source = SourceBranch(try golden.inversion(), byteLimit: 1 << 30)
    let sampler = EditSampler(model: golden.model, source: source)
    let words = PromptWords(try golden.model.tokenizer.encode(golden.caption))
    func maps(strength: Double) throws -> AttentionMaps {
      let collector = AttentionMapCollector()
      let options = EditOptions(control: .sdEdit(SDEdit(strength: strength)))
      _ = try sampler.sample([golden.caption], options: options, collector: collector)
      return collector.maps(of: words)
    }
    let (late, plain) = (try maps(strength: 0.5), try sampler.sourceMaps())
    #expect(late.steps == 4..<8)
    // The first sampled step begins at the source's latent.
    expectClose(try late.map(of: "cat", steps: 4..<5), try plain.map(of: "cat", steps: 4..<5), relative: 1e-5)
    #expect(throws: InputError.self) { try late.map(of: "cat", steps: 0..<2) }
    #expect(throws: InputError.self) { try late.map(of: "cat", steps: 3..<5) }

    let none = try maps(strength: 0)
    #expect(none.steps.isEmpty)
    let error = #expect(throws: InputError.self) { try none.map(of: "cat") }
    #expect(error?.message.contains("No steps were sampled") == true)
  }

  @Test(
    "tokens that the prompt does not have are rejected", arguments: [[-1], [77], [0, 1000], [Int.min], []])
  func tokens(_ tokens: [Int]) throws {
    let golden = try GoldenInversion("four-levels")
    let source = SourceBranch(try golden.inversion(), byteLimit: 1 << 30)
    let maps = try EditSampler(model: golden.model, source: source).sourceMaps()
    #expect(throws: InputError.self) { try maps.map(ofTokens: tokens) }
  }

  @Test("principal components are orthonormal and explain the most variance")
  func components() throws {
    let golden = try GoldenInversion("four-levels")
    let source = SourceBranch(try golden.inversion(), byteLimit: 1 << 30)
    let maps = try EditSampler(model: golden.model, source: source).sourceMaps()
    let components = try maps.selfAttentionComponents(3)
    #expect(components.count == 3)
    for (i, a) in components.enumerated() {
      for (j, b) in components.enumerated() { #expect(abs(Double(a.dot(b)) - (i == j ? 1 : 0)) < 1e-4) }
    }
  }

  @Test("maps of an edit equal the source's where its attention is the source's")
  func edited() throws {
    let golden = try GoldenInversion("four-levels")
    let source = SourceBranch(try golden.inversion(), byteLimit: 1 << 30)
    var options = EditOptions()
    options.promptToPrompt?.crossSteps = .all
    options.promptToPrompt?.selfSteps = .all
    let sampler = EditSampler(model: golden.model, source: source)
    let collector = AttentionMapCollector()
    _ = try sampler.sample([golden.caption], options: options, collector: collector)
    let words = PromptWords(try golden.model.tokenizer.encode(golden.caption))
    let (edited, plain) = (collector.maps(of: words), try sampler.sourceMaps())
    for grid in plain.grids {
      expectClose(try edited.map(of: "cat", grid: grid), try plain.map(of: "cat", grid: grid), relative: 1e-3)
    }
  }
}
