import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Guided steps") struct GuidedStepTests {
  private let small: SmallInversion
  private let latent: Tensor
  private let (null, text): (TextContext, TextContext)

  init() throws {
    small = try SmallInversion()
    latent = try small.begin().latent
    (null, text) = (try small.context(""), try small.context("a cat on the mat"))
  }

  @Test(
    "a guided step is the sampler's step with ε∅ + w (ε_text − ε∅), for every sampler",
    arguments: SamplerName.allCases,
    [0, 1, 7.5])
  func formula(name: SamplerName, guidance: Double) throws {
    var sampler = try name.sampler(small.model.schedule, stepCount: 4, noise: RandomSource(seed: 1))
    var step = GuidedStep(small.unet, sampler: sampler, guidance: guidance)
    var (walked, expected) = (latent, latent)
    for index in 0..<4 {
      let (result, evaluations) = try small.counting {
        try step(index, from: walked, null: null, text: text)
      }
      #expect(evaluations == EvaluationCount(forward: 2, stem: 1))
      walked = result
      let timestep = sampler.timesteps[index]
      let unconditional = small.unet(expected, timestep: timestep, context: null)
      let conditional = small.unet(expected, timestep: timestep, context: text)
      let guided = unconditional + Float(guidance) * (conditional - unconditional)
      expected = sampler.denoised(expected, prediction: guided, step: index)
      expectClose(walked, expected, relative: 2e-5, "step \(index)")
    }
  }

  @Test("an unguided step takes one evaluation and gives the latent of a guided step whose guidance cancels")
  func unguided() throws {
    var step = GuidedStep(small.unet, sampler: try small.sampler, guidance: 5)
    let (result, evaluations) = try small.counting { try step.unguided(1, from: latent, text: text) }
    #expect(evaluations == EvaluationCount(forward: 1, stem: 1))
    let both = try step(1, from: latent, null: text, text: text)
    expectClose(result, both, relative: 1e-5)
  }

  @Test("a copy does not change the original's history")
  func copies() throws {
    let sampler = try SamplerName.dpmSolver.sampler(
      small.model.schedule, stepCount: 4, noise: RandomSource(seed: 1))
    func next(_ step: inout GuidedStep, _ index: Int, _ latent: Tensor) throws -> Tensor {
      try step(index, from: latent, null: null, text: text)
    }
    var original = GuidedStep(small.unet, sampler: sampler, guidance: 3)
    let first = try next(&original, 0, latent)
    var copy = original
    // A step from another latent changes the history of the copy only.
    _ = try next(&copy, 1, 2 * first)
    var fresh = GuidedStep(small.unet, sampler: sampler, guidance: 3)
    #expect(try next(&fresh, 0, latent) == first)
    #expect(try next(&original, 1, first) == (try next(&fresh, 1, first)))
  }

  @Test("a second stem is computed only if a control changes it")
  func stems() throws {
    struct Nothing: AttentionControl {
      func attend(
        _ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor
      ) -> Tensor? { nil }
    }
    let plain = try small.predictor.predictions(
      latent, at: 500, [.init(context: null), .init(context: text)])
    for (controlsStem, stems) in [(false, 1), (true, 2)] {
      let (predictions, evaluations) = try small.counting {
        try small.predictor.predictions(
          latent, at: 500,
          [.init(context: null), .init(context: text, control: Nothing(), controlsStem: controlsStem)])
      }
      #expect(evaluations == EvaluationCount(forward: 2, stem: stems))
      #expect(predictions.map(\.value) == plain.map(\.value))
    }
  }
}
