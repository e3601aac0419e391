import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("LCM") struct LCMTests {
  /// Returns the noise levels of Stable Diffusion, or similar ones for another number of timesteps.
  private func schedule(count: Int = 1000, prediction: NoiseSchedule.Prediction = .epsilon) -> NoiseSchedule {
    NoiseSchedule(
      alphasCumulative: NoiseSchedule.alphasCumulative(
        betas: NoiseSchedule.betas(from: 0.00085, to: 0.012, count: count, scaled: true)),
      stepsOffset: 1, finalAlpha: .first, prediction: prediction)
  }

  @Test(
    "samples like diffusers, starting at the first random number of the seed",
    arguments: try SamplerWalk.all("lcm"))
  func walk(golden: SamplerWalk) throws {
    var source = RandomSource(seed: try #require(golden.seed))
    let (height, width, channels) = golden.latents[0].shape3
    let start = source.normal(shape: [channels, height, width]).channelsLast()
    expectClose(start, golden.latents[0], relative: 1e-6)
    try golden.expectEqual(
      LCM(golden.schedule, stepCount: golden.stepCount, noise: source), relative: 1e-5)
  }

  @Test("uses the timesteps of diffusers", arguments: try SamplerWalk.cases("lcm"))
  func timesteps(golden: SamplerWalk) throws {
    let sampler = try LCM(golden.schedule, stepCount: golden.stepCount, noise: RandomSource(seed: 0))
    #expect(sampler.timesteps == golden.timesteps)
  }

  @Test("the golden values cover 1, 2, 4 and 8 steps with both predictions")
  func coverage() throws {
    for prediction in [NoiseSchedule.Prediction.epsilon, .velocity] {
      let walks = try SamplerWalk.all("lcm").filter { $0.schedule.prediction == prediction }
      #expect(Set(walks.map(\.stepCount)).isSuperset(of: [1, 2, 4, 8]))
    }
  }

  @Test("gives the same result for the same seed, and another result for another seed")
  func determinism() throws {
    let golden = try SamplerWalk.named("epsilon.4", in: "lcm")
    func end(seed: UInt64, steps: Int) throws -> Tensor? {
      var sampler = try LCM(golden.schedule, stepCount: steps, noise: RandomSource(seed: seed))
      return golden.walk(&sampler, from: golden.latents[0]).last
    }
    #expect(try end(seed: 1, steps: 4) == end(seed: 1, steps: 4))
    #expect(try end(seed: 1, steps: 4) != end(seed: 2, steps: 4))
    // A single step is the last one, which adds no noise.
    #expect(try end(seed: 1, steps: 1) == end(seed: 2, steps: 1))
  }

  @Test("a copy made halfway continues independently with the same result")
  func copy() throws {
    let golden = try SamplerWalk.named("velocity.8", in: "lcm")
    let fresh = try LCM(golden.schedule, stepCount: 8, noise: RandomSource(seed: 5))
    var (original, whole) = (fresh, fresh)
    let start = golden.walk(&original, from: golden.latents[0], steps: 0..<3)
    var copy = original
    _ = golden.walk(&original, from: start[3], steps: 3..<5)
    let end = golden.walk(&copy, from: start[3], steps: 3..<8)
    #expect(golden.walk(&whole, from: golden.latents[0]).last == end.last)
  }

  @Test("leaves the noise of the next level, and none at the end")
  func noiseLevel() throws {
    // The clean latent is zero, so ε = z / √(1−ᾱ).
    let levels = schedule()
    var source = RandomSource(seed: 3)
    var latent = source.normal(shape: [4, 48, 64]).channelsLast()
    var sampler = try LCM(levels, stepCount: 4, noise: source)
    func deviation(_ tensor: Tensor) -> Double {
      (tensor.scalars.reduce(0) { $0 + Double($1) * Double($1) } / Double(tensor.count)).squareRoot()
    }
    for (step, timestep) in sampler.timesteps.enumerated() {
      let output = (1 / (1 - levels.alpha(timestep)).squareRoot()) * latent
      latent = sampler.denoised(latent, prediction: output, step: step)
      let next = step + 1 < sampler.stepCount ? levels.alpha(sampler.timesteps[step + 1]) : 1
      #expect(abs(deviation(latent) - Double((1 - next).squareRoot())) < 0.02, "after step \(step)")
    }
  }

  @Test(
    "throws for an unsupported number of steps", arguments: [0, -1, 51, 1001, Int.max, Int.min])
  func refusal(count: Int) throws {
    let error = try #require(throws: InputError.self) {
      try LCM(schedule(), stepCount: count, noise: RandomSource(seed: 0))
    }
    #expect(
      error
        == InputError(.outOfRange, "The number of steps is \(count), but must be between 1 and 50 for LCM."))
  }

  @Test("throws for fewer than 50 training timesteps")
  func shortTraining() throws {
    let error = try #require(throws: InputError.self) {
      try LCM(schedule(count: 49), stepCount: 4, noise: RandomSource(seed: 0))
    }
    #expect(error.kind == .outOfRange)
    #expect(
      try LCM(schedule(count: 50), stepCount: 4, noise: RandomSource(seed: 0)).timesteps == [49, 37, 24, 12])
  }
}
