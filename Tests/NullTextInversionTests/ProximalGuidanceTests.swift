import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Proximal guidance") struct ProximalGuidanceTests {
  private struct Record: Decodable {
    let shape: [Int]
    let quantile: Double
    let shrinkage: ProximalGuidance.Shrinkage
    let guidance: Double
    let dilation: Int
    let pullBack: Double
    let seed: Int
    let prediction: [Float]
    let latent: [Float]
  }

  @Test("predictions and pulled-back latents equal PyTorch's")
  func golden() throws {
    let records: [Record] = try fixture("words/proximal.json")
    #expect(records.count == 6)
    for record in records {
      var noise = Noise(seed: record.seed)
      func cubed() -> Tensor {
        let x = 2 * noise.tensor(record.shape) - Tensor(repeating: 1, shape: record.shape)
        return x * x * x
      }
      let (null, text, latent, pivot) = (cubed(), cubed(), cubed(), cubed())
      let proximal = ProximalGuidance(
        quantile: record.quantile, shrinkage: record.shrinkage, pullBack: record.pullBack,
        dilation: record.dilation)
      let (prediction, unchanged) = proximal.guided(null: null, text: text, guidance: record.guidance)
      expectClose(prediction, Tensor(record.prediction, shape: record.shape), relative: 1e-6)
      expectClose(
        proximal.pulledBack(latent, to: pivot, unchanged: unchanged),
        Tensor(record.latent, shape: record.shape), relative: 1e-6)
    }
  }

  private let small: SmallInversion
  private let inversion: Inversion

  init() throws {
    var small = try SmallInversion(steps: 5)
    small.options.method = .negativePrompt()
    self.small = small
    inversion = try small.inversion()
  }

  private func path(_ prompt: String, _ proximal: ProximalGuidance?, _ guidance: Double = 3) throws
    -> [Tensor]
  {
    var options = EditOptions()
    options.control = .none
    options.guidance = guidance
    options.proximal = proximal
    try options.validate()
    let source = SourceBranch(inversion, byteLimit: 1 << 30)
    let sampler = EditSampler(model: small.model, source: source)
    return try sampler.sample([prompt], options: options)[0].latents
  }

  @Test("if all differences are dropped, sampling uses the null embedding only, for any guidance scale")
  func everythingDropped() throws {
    let dropped = ProximalGuidance(quantile: 1, pullBack: 0)
    let walk = try path("a dog on the mat", dropped)
    #expect(try path("a dog on the mat", dropped, 9) == walk)
    // With negative-prompt inversion, this is the source's trajectory.
    for (latent, expected) in zip(walk, inversion.trajectory) {
      expectClose(latent, expected, relative: 1e-5)
    }
    #expect(try path("a dog on the mat", nil)[5] != walk[5])
  }

  @Test("unchanged places end on the pivots, from the first step of the pull-back")
  func pullingBack() throws {
    let moved = try path("a dog on the mat", ProximalGuidance(quantile: 1, pullBackStart: 0.6))
    let free = try path("a dog on the mat", ProximalGuidance(quantile: 1, pullBack: 0))
    #expect(moved.prefix(4) == free.prefix(4))
    for step in 3..<5 { expectClose(moved[step + 1], inversion.pivot(after: step), relative: 1e-6) }
    #expect(try path("a dog on the mat", ProximalGuidance(quantile: 0.5))[5] != moved[5])
  }

  @Test("settings out of range are rejected")
  func options() throws {
    var options = EditOptions()
    for proximal in [
      ProximalGuidance(quantile: 1.1), ProximalGuidance(quantile: .nan), ProximalGuidance(pullBack: -0.1),
      ProximalGuidance(pullBackStart: 2), ProximalGuidance(dilation: -1),
    ] {
      options.proximal = proximal
      #expect(throws: InputError.self) { try options.validate() }
    }
  }
}
