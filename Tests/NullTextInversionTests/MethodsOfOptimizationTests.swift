import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Faster null-text optimizers") struct MethodsOfOptimizationTests {
  /// One optimization step with its inputs.
  private struct Bench {
    var small: SmallInversion
    var target: Tensor
    let latent: Tensor
    let index: Int

    func step(from embedding: Tensor, innerSteps: Int) throws -> NullTextOptimizer.Step {
      let step = GuidedStep(small.unet, sampler: try small.sampler, guidance: small.options.guidance)
      let loss = try NullTextLoss(
        step, index, from: latent, caption: small.context(small.caption), target: target)
      return try NullTextOptimizer(settings: #require(small.options.nullText)).fit(
        loss, step: index, from: embedding, innerSteps: innerSteps)
    }

    /// Computes the latent after the guided step again.
    func landing(of embedding: Tensor) throws -> Tensor {
      let timestep = try small.sampler.timesteps[index]
      let stem = try small.predictor.stem(latent, at: timestep)
      let null = try small.predictor.prediction(stem, small.unet.context(embedding)).value
      let text = try small.predictor.prediction(stem, small.context(small.caption)).value
      let guidance = small.options.guidance
      let prediction = Tensor.combination(Float(1 - guidance), null, Float(guidance), text)
      return try small.sampler.denoised(latent, prediction: prediction, step: index)
    }
  }

  @Test(
    "an optimizer that tests first never ends farther from the pivot than at the start, with the reported cost",
    arguments: [NullText.Optimizer.adamTestingFirst, .conjugateDirections, .gaussNewton],
    ["sharded", "linear-v"])
  func neverWorse(optimizer: NullText.Optimizer, name: String) throws {
    var small = try SmallInversion(name)
    small.options.nullText?.optimizer = optimizer
    let pivots = try small.inversion(for: .direct).pivots
    let (empty, caption) = (try small.model.embedding(of: ""), try small.model.embedding(of: small.caption))
    func bench(_ index: Int) -> Bench {
      Bench(small: small, target: pivots[3 - index], latent: pivots[4 - index], index: index)
    }
    // If there is almost nothing to gain, a step of fixed size increases the loss.
    var near = bench(0)
    near.target = .combination(1, try near.landing(of: caption), 1e-4, .random(near.target.shape))
    for (bench, embedding, innerSteps) in [
      (bench(0), empty, 0), (bench(2), caption, 3), (bench(3), empty, 1), (near, caption, 1),
      (near, caption, 3),
    ] {
      let (step, evaluations) = try small.counting { try bench.step(from: embedding, innerSteps: innerSteps) }
      let before = try bench.landing(of: embedding).meanSquaredDifference(to: bench.target)
      #expect(step.latent.meanSquaredDifference(to: bench.target) <= before * (1 + 1e-6), "\(step.losses)")
      #expect(step.updates <= innerSteps)
      #expect(step.loss == step.latent.meanSquaredDifference(to: bench.target))
      #expect(abs(step.losses[0] - before) <= 1e-5 * before)
      #expect(try bench.landing(of: step.embedding) == step.latent)
      // Gauss-Newton evaluates one landing for all iterations; each iteration has a probe, as with conjugate
      // directions.
      let iterations = optimizer == .gaussNewton ? step.updates : step.losses.count - 1
      let probes = optimizer == .adamTestingFirst ? 0 : iterations
      #expect(
        evaluations
          == EvaluationCount(forward: 1 + step.losses.count + probes, backward: iterations, stem: 1))
    }
  }

  @Test("an exact step reaches the minimum along its line")
  func exactStep() throws {
    var small = try SmallInversion()
    small.options.nullText?.optimizer = .conjugateDirections
    let pivots = try small.inversion(for: .direct).pivots
    let bench = Bench(small: small, target: pivots[3], latent: pivots[4], index: 0)
    let start = try small.model.embedding(of: "")
    let end = try bench.step(from: start, innerSteps: 1).embedding
    func loss(_ share: Float) throws -> Float {
      try bench.landing(of: .combination(1 - share, start, share, end)).meanSquaredDifference(
        to: bench.target)
    }
    let lowest = try loss(1)
    for share: Float in [0, 0.5, 0.8, 1.2, 1.5, 2] { #expect(try loss(share) >= lowest * 0.999, "\(share)") }
  }

  @Test(
    "without penalty, the fast setting comes as close to the pivots as the published recipe, within a tenth, at half the cost",
    arguments: ["sharded", "linear-v"])
  func fast(name: String) throws {
    var small = try SmallInversion(name, steps: 16)
    func run(_ options: InversionOptions) throws -> (distance: Float, cost: Int) {
      small.options = options
      small.options.steps = 16
      let (inversion, evaluations) = try small.counting { try small.inversion() }
      let distances = (0..<16).map {
        inversion.trajectory[$0 + 1].meanSquaredDifference(to: inversion.pivots[15 - $0])
      }
      return (distances.reduce(0, +), evaluations.forward + 2 * evaluations.backward)
    }
    var unpenalized = InversionOptions.fast
    unpenalized.nullText?.regularization = 0
    let (published, fast) = (try run(InversionOptions()), try run(unpenalized))
    #expect(fast.distance <= 1.1 * published.distance)
    #expect(2 * fast.cost < published.cost)
  }
}

extension SmallInversion {
  /// Returns the inversion by another method.
  func inversion(for method: InversionMethod) throws -> Inversion {
    var other = self
    other.options.method = method
    return try other.inversion()
  }
}
