import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

/// A sampling by a scheduler of diffusers, with a one-line network (`Tools/golden/samplers.py`).
struct SamplerWalk: Sendable, CustomTestStringConvertible {
  /// The name of the case in its file: prediction, spacing and number of steps.
  let name: String
  /// The noise levels of its configuration.
  let schedule: NoiseSchedule
  /// The number of steps.
  let stepCount: Int
  /// The seed of the first latent and of the noise; nil for a sampler without noise.
  let seed: UInt64?
  /// The timestep of each step.
  let timesteps: [Int]
  /// The latent before each step, and the last result: height x width x channels.
  ///
  /// Empty if the file has only the timesteps.
  let latents: [Tensor]
  /// The term that the network adds to its scaled input.
  let texture: Tensor

  var testDescription: String { name }

  /// Returns the cases of a file that have latents.
  static func all(_ file: String) throws -> [SamplerWalk] { try cases(file).filter { !$0.latents.isEmpty } }

  /// Returns all cases of a file, such as `lcm`.
  static func cases(_ file: String) throws -> [SamplerWalk] {
    let file = try SafetensorsFile(contentsOf: Fixtures.url("golden/sampler-\(file).safetensors"))
    return try file.metadata.sorted { $0.key < $1.key }.filter { $0.key != "format" }.map {
      try SamplerWalk(file, name: $0.key, text: $0.value)
    }
  }

  /// Returns a case by its name.
  static func named(_ name: String, in file: String) throws -> SamplerWalk {
    try #require(try cases(file).first { $0.name == name })
  }

  private init(_ file: SafetensorsFile, name: String, text: String) throws {
    struct Remark: Decodable {
      let scheduler: SchedulerConfiguration
      let steps: Int
      let seed: UInt64?
    }
    let remark = try JSONDecoder().decode(Remark.self, from: Data(text.utf8))
    try remark.scheduler.validate()
    self.name = name
    schedule = NoiseSchedule(remark.scheduler)
    stepCount = remark.steps
    seed = remark.seed
    timesteps = try file.tensor(named: "\(name).timesteps").scalars.map { Int($0) }
    texture = try file.tensor(named: "texture").channelsLast()
    if file.contains("\(name).latents") {
      let stack = try file.tensor(named: "\(name).latents")
      latents = (0...stepCount).map { stack[$0].channelsLast() }
    } else {
      latents = []
    }
  }

  /// Returns the output of the network for a latent.
  func prediction(for latent: Tensor, at timestep: Int) -> Tensor {
    .combination(0.3, latent, Float(cos(Double(timestep) / 200)), texture)
  }

  /// Returns every latent of a sampling, starting with the given one.
  ///
  /// - Parameter steps: The steps to take; nil for all.
  func walk(_ sampler: inout some Sampler, from latent: Tensor, steps: Range<Int>? = nil) -> [Tensor] {
    (steps ?? sampler.timesteps.indices).reduce(into: [latent]) { latents, step in
      let latent = latents[latents.count - 1]
      let output = prediction(for: latent, at: sampler.timesteps[step])
      latents.append(sampler.denoised(latent, prediction: output, step: step))
    }
  }

  /// Expects that each step from a latent of diffusers gives the next latent of diffusers, and that the whole
  /// sampling does.
  func expectEqual(_ sampler: some Sampler, relative: Double) throws {
    try #require(sampler.timesteps == timesteps)
    var stepwise = sampler
    for (step, timestep) in timesteps.enumerated() {
      let output = prediction(for: latents[step], at: timestep)
      let next = stepwise.denoised(latents[step], prediction: output, step: step)
      expectClose(next, latents[step + 1], relative: relative, "\(name), step \(step)")
    }
    var whole = sampler
    let walked = walk(&whole, from: latents[0])
    #expect(walked.count == latents.count)
    for (step, (ours, theirs)) in zip(walked, latents).enumerated() {
      expectClose(ours, theirs, relative: relative, "\(name), sampled to step \(step)")
    }
  }
}
