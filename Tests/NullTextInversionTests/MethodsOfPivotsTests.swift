import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Pivots of other kinds") struct MethodsOfPivotsTests {
  @Test(
    "random pivots are the picture with one noise, scaled for every level",
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
    // The lowest levels hold little noise, and so little of it can be found again.
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

  @Test("null-text inversion follows random pivots too, without evaluations for them")
  func fittingToRandom() throws {
    var small = try SmallInversion()
    small.options.pivots = .random(seed: 1)
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    #expect(inversion.innerSteps == [2, 2, 2, 2])
    #expect(evaluations == EvaluationCount(forward: (2 + 2) * 4, backward: 2 * 4, stem: 4))
    #expect(inversion.trajectory[0] == inversion.pivots[4])
  }

  @Test(
    "each refinement costs an evaluation a step and brings the denoising step nearer to where it came from",
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
}
