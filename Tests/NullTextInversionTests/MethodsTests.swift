import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Inversion methods") struct MethodsTests {
  private func small(_ method: InversionMethod) throws -> SmallInversion {
    var small = try SmallInversion()
    small.options.method = method
    return small
  }

  @Test(
    "negative prompt: with the caption as null embedding, both predictions are equal and guidance cancels")
  func negativePrompt() throws {
    let small = try small(.negativePrompt())
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    #expect(evaluations == EvaluationCount(forward: 2 * 4, stem: 2 * 4))
    let caption = try small.model.embedding(of: small.caption)
    #expect(inversion.nullEmbeddings == Array(repeating: caption, count: 4))
    let text = small.unet.context(caption)
    for (index, timestep) in try small.sampler.timesteps.enumerated() {
      let stem = try small.predictor.stem(inversion.trajectory[index], at: timestep)
      let conditional = try small.predictor.prediction(stem, text)
      let null = try small.predictor.prediction(
        stem, small.unet.context(inversion.nullEmbeddings[index]))
      #expect(null.value == conditional.value)
      for guidance in [0, 1, 3, 7.5, 20] {
        let prediction = Tensor.combination(
          Float(1 - guidance), null.value, Float(guidance), conditional.value)
        let next = try small.sampler.denoised(
          inversion.trajectory[index], prediction: prediction, step: index)
        expectClose(
          next, inversion.trajectory[index + 1], relative: 1e-5, "guidance \(guidance), step \(index)")
      }
    }
    for index in 0..<4 {
      let distance = inversion.trajectory[index + 1].meanSquaredDifference(to: inversion.pivots[3 - index])
      #expect(inversion.losses[index] == distance)
    }
  }

  @Test("direct: the source trajectory is the pivots, with the empty text as null embedding")
  func direct() throws {
    let small = try small(.direct)
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    #expect(evaluations == EvaluationCount(forward: 4, stem: 4))
    #expect(inversion.pivots.count == 5)
    for index in 0...4 { #expect(inversion.trajectory[index] == inversion.pivots[4 - index]) }
    #expect(inversion.nullEmbeddings == Array(repeating: try small.model.embedding(of: ""), count: 4))
    #expect(inversion.losses == [0, 0, 0, 0] && inversion.innerSteps == [0, 0, 0, 0])
    #expect(inversion.psnr == inversion.psnrBound)
  }

  @Test("ddim: each step is the published formula with the embedding of the empty text")
  func ddim() throws {
    let small = try small(.ddim)
    let (inversion, evaluations) = try small.counting { try small.inversion() }
    #expect(evaluations == EvaluationCount(forward: 3 * 4, stem: 2 * 4))
    #expect(inversion.nullEmbeddings == Array(repeating: try small.model.embedding(of: ""), count: 4))
    #expect(inversion.trajectory[0] == inversion.pivots[4])
    let (empty, text) = (try small.context(""), try small.context(small.caption))
    for (index, timestep) in try small.sampler.timesteps.enumerated() {
      let latent = inversion.trajectory[index]
      let alpha = Double(small.model.schedule.alpha(timestep))
      let next = Double(small.model.schedule.alpha(timestep - 250))
      let null = small.unet(latent, timestep: timestep, context: empty).scalars
      let conditional = small.unet(latent, timestep: timestep, context: text).scalars
      let expected = latent.scalars.indices.map { i in
        let noise = Double(null[i]) + 3 * (Double(conditional[i]) - Double(null[i]))
        let picture = (Double(latent.scalars[i]) - (1 - alpha).squareRoot() * noise) / alpha.squareRoot()
        return Float(next.squareRoot() * picture + (1 - next).squareRoot() * noise)
      }
      expectClose(inversion.trajectory[index + 1], Tensor(expected, shape: latent.shape), relative: 1e-5)
    }
  }

  @Test("global null-text: one embedding for all steps, closer to the pivots than the start")
  func globalNullText() throws {
    var settings = SmallInversion.globalNullText
    settings.sweeps = 5
    var small = try small(.globalNullText(settings))
    var kept: [UnfinishedInversion] = []
    let (inversion, evaluations) = try small.counting { try small.inversion { kept.append($0) } }
    // Pivots, five sweeps of three evaluations per step, and the final sampling.
    #expect(
      evaluations == EvaluationCount(forward: (1 + 5 * 3 + 2) * 4, backward: 5 * 4, stem: (1 + 5 + 1) * 4))
    #expect(Set(inversion.nullEmbeddings.map(\.bits)).count == 1)
    #expect(inversion.nullEmbeddings[0] != (try small.model.embedding(of: "")))
    #expect(kept.last?.inversion.trajectory.count == 5 && kept.last?.sweeps == nil)

    settings.sweeps = 0
    small.options.method = .globalNullText(settings)
    let start = try small.inversion()
    #expect(start.nullEmbeddings[0] == (try small.model.embedding(of: "")))
    #expect(inversion.losses.reduce(0, +) < start.losses.reduce(0, +))
    (settings.sweeps, settings.earlyStop) = (5, 1e9)
    small.options.method = .globalNullText(settings)
    let (_, first) = try small.counting { try small.inversion() }
    #expect(first.backward == 4)
  }

  @Test("interpolation from the caption's embedding to that of the empty text is spherical, row by row")
  func interpolation() throws {
    var small = try small(.negativePrompt())
    func null(_ share: Double) throws -> (Tensor, EvaluationCount) {
      small.options.method = .negativePrompt(NegativePrompt(interpolation: share))
      let (inversion, evaluations) = try small.counting { try small.inversion() }
      return (inversion.nullEmbeddings[0], evaluations)
    }
    let (caption, empty) = (try small.model.embedding(of: small.caption), try small.model.embedding(of: ""))
    #expect(try null(0) == (caption, EvaluationCount(forward: 2 * 4, stem: 2 * 4)))
    let (end, evaluations) = try null(1)
    expectClose(end, empty, relative: 1e-6)
    #expect(evaluations == EvaluationCount(forward: 3 * 4, stem: 2 * 4))

    let between = try null(0.25).0
    for row in 0..<caption.shape[0] {
      let (a, b) = (caption[row].scalars.map(Double.init), empty[row].scalars.map(Double.init))
      func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
      let whole = acos(min(1, dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()))
      // Nearly parallel rows are interpolated linearly.
      let shares =
        whole < 0.04 ? (0.75, 0.25) : (sin(0.75 * whole) / sin(whole), sin(0.25 * whole) / sin(whole))
      let expected = zip(a, b).map { Float(shares.0 * $0 + shares.1 * $1) }
      expectClose(between[row], Tensor(expected, shape: [expected.count]), relative: 1e-4, "row \(row)")
    }

    small.options.method = .ddim
    let ddim = try small.inversion()
    small.options.method = .negativePrompt(NegativePrompt(interpolation: 1))
    expectClose(try small.inversion().trajectory[4], ddim.trajectory[4], relative: 1e-5)
  }
}
