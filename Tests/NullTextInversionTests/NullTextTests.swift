import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Null-text inversion") struct NullTextTests {
  @Test("the pivots equal the reference's", arguments: GoldenInversion.tiny)
  func pivots(name: String) throws {
    let golden = try GoldenInversion(name)
    let expected = try golden.latents("pivots")
    var pivots = [expected[0]]
    let caption = golden.unet.context(try golden.model.embedding(of: golden.caption))
    try PivotTrajectory(
      predictor: NoisePredictor(unet: golden.unet), sampler: golden.sampler, caption: caption, empty: caption
    ).complete(&pivots) { _ in }
    #expect(pivots.count == expected.count)
    for (pivot, expected) in zip(pivots, expected) { expectClose(pivot, expected, relative: 1e-3) }
  }

  @Test(
    "each step is optimized as in PyTorch, from PyTorch's latent and embedding",
    arguments: GoldenInversion.tiny)
  func teacherForced(name: String) throws {
    let golden = try GoldenInversion(name)
    let (pivots, walked) = (try golden.latents("pivots"), try golden.latents("trajectory"))
    let embeddings = try golden.rows("null_embeddings")
    let losses = try golden.rows("all_losses").map(\.scalars)
    let counts = try golden.file.tensor(named: "inner_steps").scalars.map { Int($0) }
    let settings = try golden.settings
    let optimizer = NullTextOptimizer(settings: settings)
    var embedding = try golden.file.tensor(named: "start")
    for index in 0..<golden.options.steps {
      let step = try optimizer.fit(
        golden.loss(index, from: walked[index], target: pivots[golden.options.steps - index - 1]),
        step: index,
        from: embedding, innerSteps: settings.innerSteps)
      let limit = settings.stoppingLoss(at: index)
      let isClear = losses[index].prefix(counts[index]).allSatisfy { abs(Double($0) / limit - 1) > 0.01 }
      if isClear { #expect(step.updates == counts[index], "step \(index)") }
      for (loss, expected) in zip(step.losses, losses[index].prefix(counts[index])) {
        #expect(abs(loss / expected - 1) < 1e-3, "step \(index)")
      }
      if isClear { expectClose(step.latent, walked[index + 1], relative: 1e-3, "step \(index)") }
      embedding = embeddings[index]
    }
  }

  @Test(
    "steps of the published recipe with the demo model equal PyTorch's", arguments: GoldenInversion.long)
  func published(name: String) throws {
    let golden = try GoldenInversion(name)
    let pivots = try golden.latents("pivots")
    let settings = try golden.settings
    let optimizer = NullTextOptimizer(settings: settings)
    for index in [0, 10, 25, 49] {
      func tensor(_ name: String) throws -> Tensor { try golden.file.tensor(named: "step.\(index).\(name)") }
      let step = try optimizer.fit(
        golden.loss(index, from: tensor("latent").channelsLast(), target: pivots[49 - index]), step: index,
        from: tensor("start"), innerSteps: settings.innerSteps)
      let expected = try tensor("losses").scalars.filter { $0 >= 0 }
      #expect(step.updates == expected.count, "step \(index)")
      for (loss, expected) in zip(step.losses, expected) {
        #expect(abs(loss / expected - 1) < 1e-3, "step \(index)")
      }
      expectClose(step.latent, try tensor("next").channelsLast(), relative: 1e-3, "step \(index)")
      expectClose(
        step.embedding - (try tensor("start")), try tensor("end") - (try tensor("start")), relative: 1e-2)
    }
  }

  @Test(
    "the published recipe inverts an image of the demo model like PyTorch",
    arguments: GoldenInversion.whole)
  func wholePublished(name: String) throws {
    let golden = try GoldenInversion(name)
    let pivots = try golden.latents("pivots")
    let size = PixelSize(width: 128, height: 128)
    let picture = PreparedPicture(
      image: try golden.picture, sourceSize: size, crop: PixelRect(x: 0, y: 0, width: 128, height: 128))
    let inverter = Inverter(golden.model, caption: golden.caption, options: golden.options)
    var unfinished = UnfinishedInversion(try inverter.begin(picture))
    try inverter.complete(&unfinished, of: picture)
    let inversion = unfinished.inversion
    for (pivot, expected) in zip(inversion.pivots, pivots) { expectClose(pivot, expected, relative: 1e-3) }
    let expected = try golden.file.tensor(named: "inner_steps").scalars.reduce(0, +)
    #expect(abs(Float(inversion.innerSteps.reduce(0, +)) / expected - 1) <= 0.05)
    #expect(abs(inversion.psnr - Double(try golden.file.tensor(named: "psnr").scalars[0])) < 0.3)
    #expect(abs(inversion.psnrBound - Double(try golden.file.tensor(named: "psnr_bound").scalars[0])) < 0.3)
  }

  @Test("a whole inversion equals PyTorch's", arguments: ["four-levels", "sharded"])
  func whole(name: String) throws {
    let golden = try GoldenInversion(name)
    let expected = try golden.inversion()
    let picture = PreparedPicture(
      image: try golden.picture, sourceSize: expected.sourceSize, crop: expected.crop)
    let inverter = Inverter(golden.model, caption: golden.caption, options: golden.options)
    let before = golden.model.counter.total
    var unfinished = UnfinishedInversion(try inverter.begin(picture))
    expectClose(unfinished.inversion.latent, expected.latent, relative: 1e-3)
    try inverter.complete(&unfinished, of: picture)
    let inversion = unfinished.inversion
    for (pivot, expected) in zip(inversion.pivots, expected.pivots) {
      expectClose(pivot, expected, relative: 1e-3)
    }
    let (inner, expectedInner) = (inversion.innerSteps.reduce(0, +), expected.innerSteps.reduce(0, +))
    #expect(abs(Double(inner) / Double(expectedInner) - 1) <= 0.05)
    #expect(abs(inversion.psnr - Double(try golden.file.tensor(named: "psnr").scalars[0])) < 0.3)
    #expect(abs(inversion.psnrBound - Double(try golden.file.tensor(named: "psnr_bound").scalars[0])) < 0.3)

    let evaluations = golden.model.counter.total - before
    let steps = golden.options.steps
    #expect(evaluations == EvaluationCount(forward: 3 * steps + inner, backward: inner, stem: 2 * steps))
  }

  @Test("at guidance 1, the null embedding has no gradient")
  func noGuidance() throws {
    let golden = try GoldenInversion("sharded")
    let (pivots, walked) = (try golden.latents("pivots"), try golden.latents("trajectory"))
    let start = try golden.file.tensor(named: "start")
    let step = try NullTextOptimizer(settings: golden.settings).fit(
      golden.loss(0, from: walked[0], target: pivots[7], guidance: 1), step: 0, from: start, innerSteps: 2)
    #expect(step.embedding == start)
  }

  @Test("the published optimizer makes one update even if the first loss is low enough, and saves its result")
  func earlyStop() throws {
    let golden = try GoldenInversion("sharded")
    var settings = try golden.settings
    settings.earlyStop = 1e9
    let walked = try golden.latents("trajectory")
    let start = try golden.file.tensor(named: "start")
    func step(_ optimizer: NullText.Optimizer) throws -> NullTextOptimizer.Step {
      settings.optimizer = optimizer
      let loss = try golden.loss(0, from: walked[0], target: golden.latents("pivots")[7])
      return try NullTextOptimizer(settings: settings).fit(loss, step: 0, from: start, innerSteps: 5)
    }
    let published = try step(.adam)
    #expect(published.updates == 1 && published.embedding != start)
    let testedFirst = try step(.adamTestingFirst)
    #expect(testedFirst.updates == 0 && testedFirst.embedding == start)
  }

  @Test("more than a hundred steps are rejected, because the learning rate would be zero")
  func tooManySteps() {
    var options = InversionOptions()
    options.steps = 101
    #expect(throws: InputError.self) { try options.validate() }
    options.steps = 100
    #expect(throws: Never.self) { try options.validate() }
  }
}
