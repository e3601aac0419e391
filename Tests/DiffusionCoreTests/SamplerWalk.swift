import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

/// A sampling by a scheduler of diffusers, with a network of one line (`Tools/golden/samplers.py`).
struct SamplerWalk: Sendable, CustomTestStringConvertible {
  /// The case in its file: prediction, spacing and number of steps.
  let name: String
  /// The noise levels that its configuration asks for.
  let schedule: NoiseSchedule
  /// The number of steps.
  let stepCount: Int
  /// The seed of the first latent and of the noise; nil for a sampler that draws none.
  let seed: UInt64?
  /// The timestep of each step.
  let timesteps: [Int]
  /// What enters each step, and the last result: height x width x channels.
  ///
  /// Empty if only the timesteps were written.
  let latents: [Tensor]
  /// What the network adds to its input.
  let texture: Tensor

  var testDescription: String { name }

  /// The cases of a file that have latents.
  static func all(_ file: String) throws -> [SamplerWalk] { try cases(file).filter { !$0.latents.isEmpty } }

  /// The cases of a file, such as `lcm`.
  static func cases(_ file: String) throws -> [SamplerWalk] {
    let file = try SafetensorsFile(contentsOf: Fixtures.url("golden/sampler-\(file).safetensors"))
    return try file.metadata.sorted { $0.key < $1.key }.filter { $0.key != "format" }.map {
      try SamplerWalk(file, name: $0.key, text: $0.value)
    }
  }

  /// A case by its name.
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

  /// The output of the network for a latent.
  func prediction(for latent: Tensor, at timestep: Int) -> Tensor {
    .combination(0.3, latent, Float(cos(Double(timestep) / 200)), texture)
  }

  /// Every latent of a sampling from the first one, which is given.
  ///
  /// - Parameter steps: nil for all; others are left out of both ends.
  func walk(_ sampler: inout some Sampler, from latent: Tensor, steps: Range<Int>? = nil) -> [Tensor] {
    (steps ?? sampler.timesteps.indices).reduce(into: [latent]) { latents, step in
      let latent = latents[latents.count - 1]
      let output = prediction(for: latent, at: sampler.timesteps[step])
      latents.append(sampler.denoised(latent, prediction: output, step: step))
    }
  }

  /// Expects each step from the latent that entered it in diffusers to give what it gave there, and so the whole way from
  /// the first latent.
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
      expectClose(ours, theirs, relative: relative, "\(name), walked to \(step)")
    }
  }
}
