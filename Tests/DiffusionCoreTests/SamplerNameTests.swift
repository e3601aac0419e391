import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("Names of samplers") struct SamplerNameTests {
  private func golden() throws -> SamplerWalk { try SamplerWalk.named("epsilon.4", in: "lcm") }

  @Test("match files and options")
  func names() throws {
    #expect(SamplerName.allCases.map(\.rawValue) == ["ddim", "dpm-solver", "lcm"])
    let text = try JSONEncoder().encode(SamplerName.allCases)
    #expect(String(bytes: text, encoding: .utf8) == #"["ddim","dpm-solver","lcm"]"#)
    #expect(try JSONDecoder().decode([SamplerName].self, from: text) == SamplerName.allCases)
  }

  @Test("create the right sampler with the checkpoint's spacing")
  func factory() throws {
    let schedule = try golden().schedule
    func made(_ name: SamplerName) throws -> any Sampler {
      try name.sampler(schedule, stepCount: 10, noise: RandomSource(seed: 0))
    }
    #expect(try made(.ddim) as? DDIM == DDIM(schedule, stepCount: 10))
    #expect(try made(.dpmSolver) is DPMSolver)
    #expect(try made(.dpmSolver).timesteps == DPMSolver(schedule, stepCount: 10).timesteps)
    #expect(try made(.lcm) is LCM)
  }

  @Test("only LCM uses the noise", arguments: SamplerName.allCases)
  func noise(name: SamplerName) throws {
    let golden = try golden()
    func end(seed: UInt64) throws -> Tensor? {
      var sampler = try name.sampler(golden.schedule, stepCount: 4, noise: RandomSource(seed: seed))
      return walk(golden, &sampler).last
    }
    #expect(try (end(seed: 1) == end(seed: 2)) == (name != .lcm))
  }

  @Test("all throw for an impossible number of steps", arguments: SamplerName.allCases, [0, -3, 1001])
  func refusal(name: SamplerName, count: Int) throws {
    let schedule = try golden().schedule
    let error = try #require(throws: InputError.self) {
      try name.sampler(schedule, stepCount: count, noise: RandomSource(seed: 0))
    }
    #expect(error.kind == .outOfRange)
  }

  /// Returns the latents of a sampling with a type-erased sampler.
  private func walk(_ golden: SamplerWalk, _ sampler: inout any Sampler) -> [Tensor] {
    sampler.timesteps.indices.reduce(into: [golden.latents[0]]) { latents, step in
      let latent = latents[latents.count - 1]
      let output = golden.prediction(for: latent, at: sampler.timesteps[step])
      latents.append(sampler.denoised(latent, prediction: output, step: step))
    }
  }
}
