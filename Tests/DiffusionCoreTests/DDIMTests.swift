import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("DDIM") struct DDIMTests {
  private func schedule(_ golden: GoldenFile) throws -> NoiseSchedule {
    try NoiseSchedule(golden.checkpoint.configuration(of: .scheduler))
  }

  @Test("has the noise levels of diffusers", arguments: GoldenFile.names)
  func alphas(name: String) throws {
    let golden = try GoldenFile(name)
    let schedule = try schedule(golden)
    let expected = try golden.tensor("schedule.alphas").scalars
    #expect(schedule.alphasCumulative.count == expected.count)
    for (t, (a, b)) in zip(schedule.alphasCumulative, expected).enumerated() {
      #expect(abs(a - b) <= 2e-6 * b, "at \(t)")
    }
    #expect(schedule.alpha(-1) == (try golden.number("schedule.final_alpha")))
  }

  @Test("has the published noise levels at the published timesteps")
  func publishedAlphas() throws {
    let schedule = try schedule(GoldenFile("emoji"))
    let known: [Int: Float] = [
      0: 0.99915, 1: 0.99829603, 20: 0.98131436, 21: 0.98038075, 500: 0.27633268, 501: 0.27499907,
      981: 0.005775489,
      999: 0.0046601,
    ]
    for (t, alpha) in known { #expect(abs(schedule.alphasCumulative[t] / alpha - 1) < 2e-6, "at \(t)") }
  }

  @Test("uses the timesteps of diffusers", arguments: GoldenFile.names, [50, 30, 10])
  func timesteps(name: String, count: Int) throws {
    let golden = try GoldenFile(name)
    let sampler = try DDIM(schedule(golden), stepCount: count)
    #expect(sampler.timesteps == (try golden.tensor("schedule.timesteps.\(count)").scalars.map { Int($0) }))
  }

  @Test("steps in both directions like the reference", arguments: GoldenFile.names, [50, 8])
  func steps(name: String, count: Int) throws {
    let golden = try GoldenFile(name)
    let sampler = try DDIM(schedule(golden), stepCount: count)
    let (latent, output) = (try golden.image("ddim.latent"), try golden.image("ddim.output"))
    for prefix in golden.cases("ddim.\(count)", member: "timestep") {
      let timestep = Int(try golden.number("\(prefix).timestep"))
      let step = try #require(sampler.timesteps.firstIndex(of: timestep))
      expectClose(
        sampler.denoised(latent, prediction: output, step: step), try golden.image("\(prefix).previous"),
        relative: 1e-5, "\(prefix)")
      expectClose(
        sampler.noised(latent, prediction: output, step: step), try golden.image("\(prefix).next"),
        relative: 1e-5,
        "\(prefix)")
    }
  }

  @Test("uses no timestep twice, so the offset limits the number of steps")
  func everyTimestep() throws {
    for offset in [0, 1, 2] {
      let schedule = NoiseSchedule(
        alphasCumulative: NoiseSchedule.alphasCumulative(
          betas: NoiseSchedule.betas(from: 0.00085, to: 0.012, count: 1000, scaled: true)),
        stepsOffset: offset, finalAlpha: .first, prediction: .epsilon)
      for count in [1, 2, 50, 333, 499, 500, 501, 998, 999, 1000] {
        let timesteps = try? DDIM(schedule, stepCount: count).timesteps
        #expect((timesteps == nil) == (count + offset > 1000), "\(count) steps, offset \(offset)")
        #expect(timesteps.map { Set($0).count } ?? count == count)
      }
      #expect(try DDIM(schedule, stepCount: 1000, spacing: .trailing).timesteps.count == 1000)
    }
  }

  @Test("a noising step inverts a denoising step with the same noise", arguments: [10, 30, 50])
  func roundTrip(count: Int) throws {
    let golden = try GoldenFile("emoji")
    let sampler = try DDIM(schedule(golden), stepCount: count)
    let (latent, output) = (try golden.image("ddim.latent"), try golden.image("ddim.output"))
    for step in sampler.timesteps.indices {
      let noised = sampler.noised(latent, prediction: output, step: step)
      expectClose(sampler.denoised(noised, prediction: output, step: step), latent, relative: 2e-5)
    }
  }

  @Test("with offset 0 the last step is the identity, with offset 1 a small one")
  func lastStep() throws {
    let alphas = NoiseSchedule.alphasCumulative(
      betas: NoiseSchedule.betas(from: 0.00085, to: 0.012, count: 1000, scaled: true))
    for (offset, expected) in [(0, 0.0), (1, -0.01214)] {
      let schedule = NoiseSchedule(
        alphasCumulative: alphas, stepsOffset: offset, finalAlpha: .first, prediction: .epsilon)
      let sampler = try DDIM(schedule, stepCount: 50)
      let c = sampler.coefficients(from: sampler.timesteps[49], to: sampler.timesteps[49] - sampler.stride)
      #expect(abs(c.prediction - expected) < 1e-5)
    }
  }

  @Test("samples like diffusers with both spacings", arguments: try SamplerWalk.all("ddim"))
  func walk(golden: SamplerWalk) throws {
    try golden.expectEqual(DDIM(golden.schedule, stepCount: golden.stepCount), relative: 1e-5)
  }

  @Test(
    "rounds halves in trailing timesteps like diffusers",
    arguments: try SamplerWalk.cases("ddim"))
  func roundedTimesteps(golden: SamplerWalk) throws {
    #expect(try DDIM(golden.schedule, stepCount: golden.stepCount).timesteps == golden.timesteps)
  }

  @Test("throws for an unsupported number of steps", arguments: [0, -1, 1001])
  func refusal(count: Int) throws {
    let schedule = try schedule(GoldenFile("emoji"))
    #expect(throws: InputError.self) { try DDIM(schedule, stepCount: count) }
  }
}
