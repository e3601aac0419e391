import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Step rules") struct StepRuleTests {
  private static let checkpoints = ["four-levels", "linear-v"]

  private func inversion(_ small: inout SmallInversion, _ method: PublishedMethod, steps: Int = 5) throws
    -> Inversion
  {
    small.options = method.inversion
    small.options.steps = steps
    return try small.inversion()
  }

  private func edit(
    _ small: SmallInversion, _ inversion: Inversion, _ prompt: String, _ options: EditOptions
  ) throws -> (path: EditSampler.Path, evaluations: EvaluationCount) {
    let (paths, evaluations) = try small.counting {
      try EditSampler(model: small.model, source: SourceBranch(inversion, byteLimit: 0)).sample(
        [prompt], options: options)
    }
    return (paths[0], evaluations)
  }

  /// Rules at equal guidance scales of target and source, with their kinds of pivots.
  private static let cases: [(PublishedMethod, StepRule)] = [
    (.direct, .difference(DifferenceRule(sourceGuidance: 3))),
    (.infEdit, .difference(DifferenceRule(sourceGuidance: 3))),
    (.editFriendly, .difference(DifferenceRule(sourceGuidance: 3))),
    (.direct, .hEdit(HEdit(sourceGuidance: 3, isImplicit: false))),
    (.direct, .hEdit(HEdit(sourceGuidance: 3, isImplicit: true))),
    (.editFriendly, .hEdit(HEdit(sourceGuidance: 3, isImplicit: true))),
  ]

  @Test(
    "the caption at equal guidance scales gives the source's trajectory with every attention control",
    arguments: checkpoints)
  func identity(checkpoint: String) throws {
    var small = try SmallInversion(checkpoint)
    for (method, rule) in Self.cases {
      let inversion = try inversion(&small, method)
      for control in [EditControl.none, .promptToPrompt(), .masaCtrl()] {
        var options = EditOptions(control: control)
        options.stepRule = rule
        options.guidance = 3
        let path = try edit(small, inversion, small.caption, options).path
        for (own, source) in zip(path.latents, inversion.trajectory) {
          expectClose(own, source, relative: 2e-4, "\(method) \(rule) \(control)")
        }
      }
    }
  }

  @Test("InfEdit with the caption and without guidance gives the photo's latent") func infEditIdentity()
    throws
  {
    var small = try SmallInversion()
    let inversion = try inversion(&small, .infEdit, steps: 4)
    var options = EditOptions(control: .none)
    options.guidance = 1
    let (path, evaluations) = try edit(small, inversion, small.caption, options)
    #expect(path.latents == inversion.trajectory && path.latents[4] == inversion.latent)
    #expect(evaluations == EvaluationCount(forward: 8, stem: 8))
  }

  @Test("another prompt, and another seed, give another edit", arguments: Self.cases.indices)
  func changes(index: Int) throws {
    var small = try SmallInversion("four-levels")
    let (method, rule) = Self.cases[index]
    let source = try inversion(&small, method)
    var options = EditOptions()
    options.stepRule = rule
    options.guidance = 3
    let path = try edit(small, source, "a dog on the mat", options).path
    #expect(relativeError(path.latents[5], source.latent) > 1e-3)
    guard case .independentNoise = source.options.pivots else { return }
    small.options.pivots = .independentNoise(seed: 1)
    let other = try edit(small, small.inversion(), "a dog on the mat", options).path
    #expect(relativeError(path.latents[5], other.latents[5]) > 1e-3)
  }

  @Test("the difference rule equals its formula", arguments: checkpoints)
  func difference(checkpoint: String) throws {
    var small = try SmallInversion(checkpoint)
    let inversion = try inversion(&small, .editFriendly, steps: 3)
    let sampler = try #require(try inversion.sampler(small.model.schedule) as? DDIM)
    var options = EditOptions(control: .none)
    options.guidance = 4
    options.stepRule = .difference(DifferenceRule(sourceGuidance: 2))
    let prompt = "a dog on the mat"
    let path = try edit(small, inversion, prompt, options).path
    let (null, caption, text) = (
      try small.context(""), try small.context(small.caption), try small.context(prompt)
    )
    let schedule = small.model.schedule
    for (index, timestep) in sampler.timesteps.enumerated() {
      func noise(_ latent: Tensor, _ context: TextContext) -> Tensor {
        let output = small.unet(latent, timestep: timestep, context: context)
        guard schedule.prediction == .velocity else { return output }
        let alpha = schedule.alpha(timestep)
        return alpha.squareRoot() * output + (1 - alpha).squareRoot() * latent
      }
      let (a, p) = (Double(schedule.alpha(timestep)), Double(schedule.alpha(timestep - sampler.stride)))
      // As published: η = 1 in equation 16 of DDIM.
      let sigma = ((1 - p) / (1 - a)).squareRoot() * (1 - a / p).squareRoot()
      func mean(_ x: Tensor, _ noise: Tensor) -> Tensor {
        let clean = Float(1 / a.squareRoot()) * (x - Float((1 - a).squareRoot()) * noise)
        return Float(p.squareRoot()) * clean + Float(max(0, 1 - p - sigma * sigma).squareRoot()) * noise
      }
      func guided(_ x: Tensor, _ context: TextContext, _ w: Float) -> Tensor {
        noise(x, null) + w * (noise(x, context) - noise(x, null))
      }
      let (z, next) = (inversion.trajectory[index], inversion.trajectory[index + 1])
      let rest = next - mean(z, guided(z, caption, 2))
      let expected = mean(path.latents[index], guided(path.latents[index], text, 4)) + rest
      expectClose(path.latents[index + 1], expected, relative: 1e-4, "step \(index)")
    }
  }

  @Test("costs are computed in advance", arguments: Self.cases.indices)
  func costs(index: Int) throws {
    var small = try SmallInversion("four-levels")
    let (method, rule) = Self.cases[index]
    let inversion = try inversion(&small, method)
    var options = EditOptions()
    options.stepRule = rule
    options.guidance = 5
    let prompt = "a dog on the mat"
    let (_, evaluations) = try edit(small, inversion, prompt, options)
    let (height, width, _) = inversion.latent.shape3
    let words = { PromptWords(try small.model.tokenizer.encode($0)) }
    let scene = EditScene(
      source: try words(small.caption), target: try words(prompt), stepCount: 5,
      textLength: small.model.configuration.textEncoder.positionCount,
      sites: small.model.configuration.unet.attentionSites(height: height, width: width))
    let work = try options.work(in: scene, latent: (height, width), of: inversion.options)
    #expect(work.evaluations == evaluations)
    // Two, three or four evaluations of the target per step, and at least one of the source.
    let target = [
      .difference(DifferenceRule(sourceGuidance: 3)): 2,
      .hEdit(HEdit(sourceGuidance: 3, isImplicit: false)): 3,
    ][
      rule, default: 4]
    #expect(evaluations.forward >= (target + 1) * 5)
  }

  @Test("a cached source takes no evaluations, including its predictions") func remembered() throws {
    var small = try SmallInversion("four-levels")
    let inversion = try inversion(&small, .direct)
    var options = EditOptions(control: .none)
    options.stepRule = .hEdit(HEdit(sourceGuidance: 2, isImplicit: true))
    let source = SourceBranch(inversion, byteLimit: 1 << 30)
    func evaluations() throws -> (EditSampler.Path, EvaluationCount) {
      let (paths, evaluations) = try small.counting {
        try EditSampler(model: small.model, source: source).sample(["a dog on the mat"], options: options)
      }
      return (paths[0], evaluations)
    }
    let (first, second) = (try evaluations(), try evaluations())
    #expect(first.1.forward == 5 * 5 && second.1.forward == 4 * 5)
    #expect(first.0.latents == second.0.latents)
  }

  @Test(
    "with the empty text's embedding for the target, an optimized inversion gives the edits of one without optimization"
  )
  func emptyNull() throws {
    var small = try SmallInversion(steps: 4)
    small.options.guidance = 3
    let fitted = try small.inversion()
    // The same trajectory with the empty text.
    var unfitted = fitted
    let empty = try small.model.embedding(of: "")
    unfitted.nullEmbeddings = fitted.nullEmbeddings.map { _ in empty }
    var options = EditOptions()
    let expected = try edit(small, unfitted, "a dog on the mat", options).path
    let own = try edit(small, fitted, "a dog on the mat", options).path
    options.null = .empty
    #expect(try edit(small, fitted, "a dog on the mat", options).path.latents == expected.latents)
    options.null = TargetNull(emptyShare: 1, window: .none)
    #expect(try edit(small, fitted, "a dog on the mat", options).path.latents == own.latents)
    #expect(own.latents != expected.latents)
  }

  @Test("proximal guidance needs the guided rule") func proximal() throws {
    var small = try SmallInversion(steps: 2)
    let inversion = try inversion(&small, .infEdit, steps: 2)
    var options = EditOptions()
    options.proximal = ProximalGuidance()
    #expect(throws: InputError.self) { try edit(small, inversion, "a dog on the mat", options) }
  }

  @Test("inversions of all kinds are read as they were written, and edits of edits continue") func files()
    async throws
  {
    let scratch = try ScratchFolder()
    for method in PublishedMethod.allCases {
      var small = try SmallInversion(steps: 2)
      var options = method.inversion
      options.steps = 2
      options.nullText?.innerSteps = 1
      small.options = options
      let inversion = try small.inversion()
      let url = scratch("\(method.rawValue).nti")
      try inversion.write(to: url)
      #expect(try Inversion(contentsOf: url) == inversion)
    }
  }
}
