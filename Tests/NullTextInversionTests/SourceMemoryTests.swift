import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Source cache of edits") struct SourceMemoryTests {
  private let small: SmallInversion
  private let inversion: Inversion

  init() throws {
    small = try SmallInversion(steps: 5)
    inversion = try small.inversion(for: .ddim)
  }

  private func sample(
    _ prompts: [String], _ options: EditOptions = EditOptions(), from source: SourceBranch? = nil
  ) throws -> (result: [EditSampler.Path], evaluations: EvaluationCount) {
    let source = source ?? SourceBranch(inversion, byteLimit: 1 << 30)
    return try small.counting {
      try EditSampler(model: small.model, source: source).sample(prompts, options: options)
    }
  }

  private let dog = "a dog on the mat"

  @Test("a second edit does not evaluate the source, and the same edit gives the same latents")
  func remembered() throws {
    let source = SourceBranch(inversion, byteLimit: 1 << 30)
    let first = try sample([dog], from: source)
    // Four of five steps read the source's cross-attention; two steps change the self-attention of the stem.
    #expect(first.evaluations == EvaluationCount(forward: 2 * 5 + 4, stem: 5 + 2 + 4))
    let second = try sample([dog], from: source)
    #expect(second.evaluations == EvaluationCount(forward: 2 * 5, stem: 5 + 2))
    #expect(second.result[0].latents == first.result[0].latents)
    let other = try sample(["a big cat on the mat"], from: source)
    #expect(other.evaluations.forward == 2 * 5)
    #expect(other.result[0].latents == (try sample(["a big cat on the mat"]).result[0].latents))
  }

  @Test("with a smaller cache, the source is evaluated again and nothing else changes")
  func byteLimit() throws {
    let expected = try sample([dog]).result[0].latents
    var costs: [Int] = []
    for limit in [0, 1 << 12, 1 << 14, 1 << 15, 1 << 16, 1 << 30] {
      let source = SourceBranch(inversion, byteLimit: limit)
      for _ in 0..<2 {
        let (paths, evaluations) = try sample([dog], from: source)
        #expect(paths[0].latents == expected)
        costs.append(evaluations.forward)
      }
    }
    #expect(stride(from: 0, to: 12, by: 2).allSatisfy { costs[$0] == 14 })
    let second = stride(from: 1, to: 12, by: 2).map { costs[$0] }
    #expect(second[0] == 14 && second[5] == 10 && second == second.sorted(by: >))
    #expect(second.contains { 10 < $0 && $0 < 14 })
  }

  @Test("an edit that reads more than is cached extends the cache")
  func growing() throws {
    let source = SourceBranch(inversion, byteLimit: 1 << 30)
    var small = EditOptions()
    small.promptToPrompt?.selfGrid = 4
    #expect(try sample([dog], small, from: source).evaluations.forward == 14)
    #expect(try sample([dog], small, from: source).evaluations.forward == 10)
    let large = EditOptions()
    let grown = try sample([dog], large, from: source)
    // Only the two steps with self-attention on the large grid are evaluated again.
    #expect(grown.evaluations.forward == 12)
    #expect(grown.result[0].latents == (try sample([dog], large).result[0].latents))
    #expect(try sample([dog], large, from: source).evaluations.forward == 10)
    #expect(try sample([dog], small, from: source).evaluations.forward == 10)
  }

  @Test(
    "shorter windows take fewer evaluations",
    arguments: [(1, 1, 5, 5), (0.8, 0.4, 4, 2), (0.4, 0.4, 2, 2), (0.2, 0.6, 3, 3), (0, 0, 0, 0)])
  func windows(cross: Double, own: Double, reading: Int, controlled: Int) throws {
    var options = EditOptions()
    options.promptToPrompt?.crossSteps = try StepWindow(to: cross)
    options.promptToPrompt?.selfSteps = try StepWindow(to: own)
    let evaluations = try sample([dog], options).evaluations
    #expect(evaluations == EvaluationCount(forward: 2 * 5 + reading, stem: 5 + controlled + reading))
  }

  @Test("several prompts in one call give the results of single calls, bit for bit, and share the source")
  func severalPrompts() throws {
    let prompts = [dog, "a big red cat on the mat", inversion.caption, "a cat on the mat and a dog"]
    var blended = EditOptions()
    blended.blend = LocalBlend("mat", "mat")
    blended.promptToPrompt?.emphasis = [Emphasis("mat", 2)]
    blended.promptToPrompt?.crossStepsOfWords = [WordWindow("mat", 1)]
    for options in [EditOptions(), blended] {
      let together = try sample(prompts, options)
      let reading = try sample([dog], options).evaluations.forward - 10
      #expect(together.evaluations.forward == 2 * 5 * 4 + reading)
      for (prompt, path) in zip(prompts, together.result) {
        let alone = try sample([prompt], options).result[0]
        #expect(path.latents.map(\.bits) == alone.latents.map(\.bits), "\(prompt)")
        #expect(path.mask == alone.mask)
      }
    }
    #expect(try sample([]).evaluations.forward == 0)
  }

  @Test("the emphasis of a word applies even if nothing of the source is read")
  func emphasisAlone() throws {
    var options = EditOptions()
    options.promptToPrompt?.crossSteps = .none
    options.promptToPrompt?.selfSteps = .none
    options.promptToPrompt?.crossStepsOfWords = [WordWindow("red", .all)]
    let plain = try sample(["a red cat on the mat"], options)
    options.promptToPrompt?.emphasis = [Emphasis("red", 5)]
    let strong = try sample(["a red cat on the mat"], options)
    #expect(plain.evaluations.forward == 10 && strong.evaluations.forward == 10)
    #expect(plain.result[0].latents[1] != strong.result[0].latents[1])
  }

  @Test("the caption without control reproduces the stored trajectory exactly")
  func reproduces() throws {
    var options = EditOptions()
    options.control = .none
    for method in [small.options.method, .negativePrompt(), .ddim] {
      let inversion = try small.inversion(for: method)
      let paths = try sample([inversion.caption], options, from: SourceBranch(inversion, byteLimit: 1 << 30))
        .result
      for (latent, expected) in zip(paths[0].latents, inversion.trajectory) {
        // If the null embedding is the caption's, guidance cancels except for rounding.
        expectClose(latent, expected, relative: method == .negativePrompt() ? 1e-5 : 0)
      }
    }
  }

  @Test("prompt-to-prompt control does not change the caption's own trajectory")
  func controlledReproduction() throws {
    let latents = try sample([inversion.caption]).result[0].latents
    for (latent, expected) in zip(latents, inversion.trajectory) {
      expectClose(latent, expected, relative: 1e-4)
    }
  }

  @Test("an edit equals the published sampling with four rows side by side")
  func fourRows() throws {
    for (cross, own) in [(0.8, 0.4), (0.4, 1), (1, 0)] {
      var options = EditOptions()
      options.promptToPrompt?.crossSteps = try StepWindow(to: cross)
      options.promptToPrompt?.selfSteps = try StepWindow(to: own)
      let latents = try sample([dog], options).result[0].latents
      let expected = try FourRows(
        small: small, inversion: inversion, crossSteps: Int(cross * 6), selfSteps: Int(own * 5)
      ).latents(of: dog)
      for (latent, expected) in zip(latents, expected) { expectClose(latent, expected, relative: 1e-4) }
    }
  }

  @Test("MasaCtrl reads the source from its first step on, in both branches")
  func masaCtrl() throws {
    func run(_ start: Double, _ firstLayer: Int, _ grid: Int? = nil) throws -> (
      latents: [Tensor], forward: Int
    ) {
      var options = EditOptions()
      options.control = .masaCtrl(
        MasaCtrl(start: start, firstLayer: firstLayer, largestGrid: grid))
      let (paths, evaluations) = try sample([dog], options)
      return (paths[0].latents, evaluations.forward)
    }
    var free = EditOptions()
    free.control = .none
    let uncontrolled = try sample([dog], free).result[0].latents
    let whole = try run(0, 0)
    #expect(whole.forward == 4 * 5 && whole.latents[1] != uncontrolled[1])
    let late = try run(0.4, 0)
    #expect(late.forward == 2 * 5 + 2 * 3)
    #expect(late.latents.prefix(3) == uncontrolled.prefix(3) && late.latents[3] != uncontrolled[3])
    // In the first step, target and source have the same latent, so the first attention is unchanged.
    #expect(try run(0, 1).latents[5] != whole.latents[5])
    let nowhere = try run(0, 99)
    #expect(nowhere.forward == 10 && nowhere.latents == uncontrolled)
    let (height, width, _) = inversion.latent.shape3
    let sites = small.model.configuration.unet.attentionSites(height: height, width: width)
    let side = try #require(sites.map { max($0.height, $0.width) }.max())
    #expect(try run(0, 0, side).latents == whole.latents)
    #expect(try ![whole.latents[5], uncontrolled[5]].contains(run(0, 0, side - 1).latents[5]))
    // With the caption as prompt, the source's keys and values are the target's own, and nothing changes.
    var options = EditOptions()
    options.control = .masaCtrl(MasaCtrl(start: 0))
    for (latent, expected) in zip(
      try sample([inversion.caption], options).result[0].latents, inversion.trajectory)
    {
      expectClose(latent, expected, relative: 1e-4)
    }
  }

  @Test("SDEdit samples only the last part, and at strength 1 it is sampling without control")
  func sdEdit() throws {
    func run(_ strength: Double) throws -> (latents: [Tensor], evaluations: EvaluationCount) {
      var options = EditOptions()
      options.control = .sdEdit(SDEdit(strength: strength))
      let (paths, evaluations) = try sample([dog, inversion.caption], options)
      return (paths[0].latents, evaluations)
    }
    var free = EditOptions()
    free.control = .none
    let whole = try run(1)
    #expect(whole.latents == (try sample([dog], free).result[0].latents))
    for (strength, steps) in [(0.6, 3), (0.59, 2), (0.2, 1), (0, 0)] {
      let (latents, evaluations) = try run(strength)
      #expect(evaluations == EvaluationCount(forward: 4 * steps, stem: 2 * steps))
      #expect(latents.count == 6)
      #expect(latents.prefix(6 - steps) == inversion.trajectory.prefix(6 - steps))
      // The last step of this schedule does not change the latent.
      if steps > 1 { #expect(latents[5] != inversion.trajectory[5]) }
    }
  }
}

/// The published scheme: source and target are sampled together, both guided, with all attention computed in full.
///
/// It supports prompts with equal numbers of tokens per word, so that every token uses the attention of the token at
/// its position.
private struct FourRows {
  let small: SmallInversion
  let inversion: Inversion
  let crossSteps: Int
  let selfSteps: Int

  func latents(of prompt: String) throws -> [Tensor] {
    let (caption, target) = (try small.context(inversion.caption), try small.context(prompt))
    var (sourceLatent, targetLatent) = (inversion.trajectory[0], inversion.trajectory[0])
    var latents = [targetLatent]
    let unet = small.unet
    for (index, timestep) in try small.sampler.timesteps.enumerated() {
      let null = unet.context(inversion.nullEmbeddings[index])
      let maps = Probabilities()
      let replacing = Replacing(maps: maps, cross: index < crossSteps, own: index < selfSteps)
      func next(_ latent: Tensor, _ context: TextContext, _ control: any AttentionControl) throws -> Tensor {
        let (u, c) = (
          unet(latent, timestep: timestep, context: null),
          unet(latent, timestep: timestep, context: context, control: control)
        )
        let guided = Tensor.combination(-2, u, 3, c)
        return try small.sampler.denoised(latent, prediction: guided, step: index)
      }
      sourceLatent = try next(sourceLatent, caption, maps)
      targetLatent = try next(targetLatent, target, replacing)
      latents.append(targetLatent)
    }
    return latents
  }

  private final class Probabilities: AttentionControl {
    var found: [Int: Tensor] = [:]

    func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
      -> Tensor?
    {
      let probabilities = attention.probabilities(query: query, key: key)
      found[site.index] = probabilities
      return attention.mix(probabilities, value)
    }
  }

  private struct Replacing: AttentionControl {
    let maps: Probabilities
    let cross: Bool
    let own: Bool

    func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
      -> Tensor?
    {
      let replaces = site.isCross ? cross : own && site.height * site.width <= 32 * 32
      guard replaces, let probabilities = maps.found[site.index] else { return nil }
      return attention.mix(probabilities, value)
    }
  }
}

@Suite("Successive edits") struct SourceMemorySuccessionTests {
  @Test("an edited image is the source of the next edit, with its trajectory, prompt and guidance scale")
  func successive() async throws {
    let small = try SmallInversion(steps: 4)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let inverted = try editor.open(small.inversion(for: .ddim))
    let dog = try await inverted.edit(prompt: "a dog on the mat")
    let source = dog.inverted
    #expect(source.inversion.caption == "a dog on the mat" && source.evaluations == EvaluationCount())
    #expect(source.inversion.trajectory == dog.latents)
    #expect(try await source.reconstruction() == dog.image)
    // A pull-back to the source leads to the edited image, not to the original one.
    var back = EditOptions()
    back.proximal = ProximalGuidance(quantile: 1, pullBackStart: 0)
    let held = try await dog.inverted.edit(prompt: "a big fox on the mat", options: back)
    for (latent, expected) in zip(held.latents, dog.latents) { expectClose(latent, expected, relative: 1e-6) }

    let fox = try await source.edit(prompt: "a big fox on the mat")
    #expect(fox.evaluations.forward > 8 && fox.image != dog.image)
    #expect(fox.inverted.inversion.caption == "a big fox on the mat")
    var same = EditOptions()
    same.control = .none
    #expect(try await fox.inverted.edit(prompt: fox.prompt).image.width == fox.image.width)

    same.guidance = 5
    let strong = try await inverted.edit(prompt: "a dog on the mat", options: same)
    #expect(strong.inverted.inversion.guidance == 5)
    // Without control and at its own guidance scale, sampling reproduces the trajectory.
    same.guidance = nil
    let again = try await strong.inverted.edit(prompt: "a dog on the mat", options: same)
    #expect(again.latents == strong.latents && again.image == strong.image)
    let folder = try ScratchFolder()
    try strong.inverted.inversion.write(to: folder("a.nti"))
    #expect(try Inversion(contentsOf: folder("a.nti")) == strong.inverted.inversion)
  }

  @Test("an inversion of another model, or with other shapes, is rejected")
  func mismatch() async throws {
    let small = try SmallInversion(steps: 2)
    let editor = try await ImageEditor(model: .directory(small.model.checkpoint.url))
    let inversion = try small.inversion(for: .direct)
    _ = try editor.open(inversion)
    let changes: [Change<Inversion>] = [
      Change("fingerprint") { $0.modelFingerprint = "0" },
      Change("offset") {
        $0.schedule = $0.schedule.with(stepsOffset: $0.schedule.stepsOffset + 1)
      },
      Change("steps") { $0.options.steps = 3 }, Change("unfinished") { $0.trajectory.removeLast() },
      Change("embeddings") { $0.nullEmbeddings = $0.nullEmbeddings.map { $0[0..<3] } },
    ]
    for change in changes {
      var other = inversion
      change.apply(&other)
      #expect(try inputError { try editor.open(other) }?.kind == .mismatch, "\(change.testDescription)")
    }
  }
}
