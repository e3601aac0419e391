import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Kinds of pivots") struct MethodsOfPivotsTests {
  @Test(
    "random pivots are the image plus one noise sample, scaled for every level",
    arguments: ["linear-v", "sharded"])
  func random(name: String) throws {
    var small = try SmallInversion(name, steps: 5)
    small.options.method = .direct
    small.options.pivots = .random(seed: 3)
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    #expect(evaluations == EvaluationCount())
    let picture = try small.model.encode(small.picture.image)
    #expect(inversion.pivots[0] == picture && inversion.pivots.count == 6)
    let noises = zip(inversion.pivots.dropFirst(), try small.sampler.timesteps.reversed()).map {
      pivot, timestep in
      let alpha = Double(small.model.schedule.alphasCumulative[timestep])
      return Tensor(
        zip(pivot.scalars, picture.scalars).map {
          Float((Double($0) - alpha.squareRoot() * Double($1)) / (1 - alpha).squareRoot())
        },
        shape: picture.shape)
    }
    // The lowest levels contain little noise, so it is recovered with less precision.
    for noise in noises { expectClose(noise, noises[4], relative: 1e-3) }
    let count = Double(noises[4].count)
    let mean = noises[4].scalars.reduce(0) { $0 + Double($1) } / count
    let variance = noises[4].scalars.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    #expect(abs(mean) < 4 / count.squareRoot() && abs(variance - 1) < 6 / count.squareRoot())
    var torch = RandomSource(seed: 3)
    expectClose(
      noises[4].channelsFirst(), torch.normal(shape: noises[4].channelsFirst().shape), relative: 1e-4)

    #expect(try small.inversion().pivots == inversion.pivots)
    small.options.pivots = .random(seed: 4)
    #expect(try small.inversion().pivots[5] != inversion.pivots[5])
  }

  @Test("null-text inversion follows random pivots without evaluations for them")
  func fittingToRandom() throws {
    var small = try SmallInversion()
    small.options.pivots = .random(seed: 1)
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    #expect(inversion.innerSteps == [2, 2, 2, 2])
    #expect(evaluations == EvaluationCount(forward: (2 + 2) * 4, backward: 2 * 4, stem: 4))
    #expect(inversion.trajectory[0] == inversion.pivots[4])
  }

  @Test(
    "each refinement takes one evaluation per step and brings the denoising step closer to its origin",
    arguments: ["linear-v", "sharded"])
  func refinements(name: String) throws {
    var small = try SmallInversion(name, steps: 4)
    small.options.method = .direct
    let text = try small.context(small.caption)
    var residuals: [Double] = []
    for refinements in 0...2 {
      small.options.pivotRefinements = refinements
      let (inversion, evaluations) = try small.counting { try small.inversion() }
      #expect(evaluations == EvaluationCount(forward: 4 * (1 + refinements), stem: 4 * (1 + refinements)))
      var residual = 0.0
      for (index, timestep) in try small.sampler.timesteps.enumerated() {
        let (pivot, origin) = (inversion.pivots[4 - index], inversion.pivots[3 - index])
        let prediction = small.unet(pivot, timestep: timestep, context: text)
        residual += relativeError(
          try small.sampler.denoised(pivot, prediction: prediction, step: index), origin)
      }
      residuals.append(residual)
    }
    #expect(residuals[1] < residuals[0] && residuals[2] < residuals[1])
  }

  @Test("refinements stop when a pivot's mean squared change is below the tolerance")
  func tolerance() throws {
    var small = try SmallInversion(steps: 4)
    small.options.method = .direct
    small.options.pivotRefinements = 5
    let unending = try small.counting { try small.inversion() }
    #expect(unending.evaluations.forward == 4 * 6)
    small.options.pivotTolerance = 0
    #expect(try small.inversion().pivots == unending.result.pivots)
    small.options.pivotTolerance = .greatestFiniteMagnitude
    let once = try small.counting { try small.inversion() }
    #expect(once.evaluations == small.options.leastWork.evaluations && once.evaluations.forward == 4 * 2)
    small.options.pivotTolerance = nil
    small.options.pivotRefinements = 1
    #expect(try small.inversion().pivots == once.result.pivots)
  }

  @Test(
    "guidance during DDIM inversion equals guided sampling: with the caption in both branches, it has no effect"
  )
  func pivotGuidance() throws {
    var small = try SmallInversion(steps: 3)
    small.options.method = .direct
    let plain = try small.inversion().pivots
    small.options.pivotGuidance = 0
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    #expect(evaluations == EvaluationCount(forward: 6, stem: 3))
    // At guidance 0, the caption has no effect.
    var unconditional = small
    unconditional.options.pivotGuidance = 1
    unconditional.caption = ""
    let empty = Inverter(unconditional.model, caption: "", options: unconditional.options)
    var unfinished = UnfinishedInversion(try empty.begin(small.picture))
    try empty.complete(&unfinished, of: small.picture)
    for (own, other) in zip(inversion.pivots, unfinished.inversion.pivots) {
      expectClose(own, other, relative: 1e-5)
    }
    #expect(inversion.pivots[3] != plain[3])
  }

  @Test(
    "pivots of independent noise have separate noise for each level, equal PyTorch's for the seed, and take no evaluations"
  )
  func independent() throws {
    var small = try SmallInversion("linear-v", steps: 3)
    small.options.method = .direct
    for sampler in [SamplerName.ddim, .lcm] {
      small.options.sampler = sampler
      small.options.pivots = .independentNoise(seed: 5)
      let (inversion, evaluations) = try small.counting { try small.inversion() }
      #expect(evaluations == EvaluationCount() && inversion.psnr == inversion.psnrBound)
      #expect(inversion.trajectory == inversion.pivots.reversed())
      var torch = RandomSource(seed: 5)
      let timesteps = try inversion.sampler(small.model.schedule).timesteps
      for (index, timestep) in timesteps.enumerated() {
        let alpha = small.model.schedule.alphasCumulative[timestep]
        let noise = torch.normal(shape: inversion.latent.channelsFirst().shape).channelsLast()
        let expected = alpha.squareRoot() * inversion.latent + (1 - alpha).squareRoot() * noise
        expectClose(inversion.trajectory[index], expected, relative: 1e-6)
      }
      small.options.pivots = .independentNoise(seed: 6)
      #expect(try small.inversion().pivots[2] != inversion.pivots[2])
    }
    #expect(try small.inversion().schedule.sampler == .lcm)
  }

  @Test("impossible combinations are rejected before any computation") func refused() throws {
    var walked = InversionOptions()
    walked.pivots = .independentNoise(seed: 0)
    var upward = InversionOptions(method: .direct)
    upward.sampler = .lcm
    var solver = InversionOptions(method: .direct)
    (solver.sampler, solver.pivots) = (.dpmSolver, .independentNoise(seed: 0))
    var mixed = InversionOptions()
    mixed.easyInv = EasyInv(start: 0.9, length: 0.2)
    var tolerance = InversionOptions()
    tolerance.pivotTolerance = -1
    for options in [walked, upward, solver, mixed, tolerance] {
      #expect(throws: InputError.self) { try options.validate() }
    }
    for method in PublishedMethod.allCases {
      try method.inversion.validate()
      try method.edit.validate()
    }
  }
}
