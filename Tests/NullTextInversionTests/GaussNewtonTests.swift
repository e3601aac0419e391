import DiffusionCore
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Null-text inversion with Gauss-Newton") struct GaussNewtonTests {
  private let small: SmallInversion
  private let pivots: [Tensor]
  private let loss: NullTextLoss
  private let empty: Tensor
  private let caption: Tensor
  private var halfway: Tensor { .combination(0.5, empty, 0.5, caption) }

  init() throws {
    small = try SmallInversion()
    pivots = try small.inversion(for: .direct).pivots
    loss = try Self.loss(small, from: pivots[3], to: pivots[2])
    (empty, caption) = (try small.model.embedding(of: ""), try small.model.embedding(of: small.caption))
  }

  private static func loss(_ small: SmallInversion, from latent: Tensor, to target: Tensor) throws
    -> NullTextLoss
  {
    let step = GuidedStep(small.unet, sampler: try small.sampler, guidance: small.options.guidance)
    return try NullTextLoss(step, 1, from: latent, caption: small.context(small.caption), target: target)
  }

  private func fit(
    from start: Tensor, innerSteps: Int, weight: Double = 0, optimizer: NullText.Optimizer = .gaussNewton,
    reach: Float = 0.01
  ) throws -> NullTextOptimizer.Step {
    try NullTextOptimizer(settings: NullText(earlyStop: 0, optimizer: optimizer), reach: reach).fit(
      loss, step: 0, from: start, innerSteps: innerSteps,
      penalty: weight > 0 ? EmbeddingPenalty(weight: weight, center: empty) : nil)
  }

  /// The change of the landing latent along a direction, by a central difference.
  private func change(along direction: Tensor, from start: Tensor) throws -> Tensor {
    let reach = 1e-3 * start.norm / direction.norm
    func landing(_ reach: Float) throws -> Tensor {
      try loss.landing(.combination(1, start, reach, direction))
    }
    return (try landing(reach) - landing(-reach)) * (0.5 / reach)
  }

  @Test("the result has zero slopes of loss plus penalty in all directions, by finite differences")
  func stationary() throws {
    let start = halfway
    let directions: [Tensor] = (1...16).map { .random(start.shape, seed: $0) }
    let changes = try directions.map { try change(along: $0, from: start) }
    let error = try loss.landing(start) - loss.target
    let curvature = changes.map { $0.dot($0) }.reduce(0, +) / Float(changes.count)
    // The weights are relative to the curvature of the loss, so that loss and penalty both matter.
    for share: Float in [0.3, 0.05] {
      let weight = share * curvature * Float(start.count) / Float(error.count)
      /// Returns half the norm of the slopes of ‖r + J (x − x₀)‖² / N + λ ‖x − c‖² / D at x.
      func slope(_ point: Tensor) throws -> Float {
        let step = point - start
        let moved = step.norm > 0 ? try error + change(along: step, from: start) : error
        return zip(directions, changes).map { direction, change in
          let slope =
            change.dot(moved) / Float(error.count) + weight * direction.dot(point - empty)
            / Float(point.count)
          return slope * slope
        }.reduce(0, +).squareRoot()
      }
      let before = try slope(start)
      // The prediction is nearly linear only near the start.
      let step = try fit(from: start, innerSteps: 12, weight: Double(weight), reach: 1e-3)
      let after = try slope(step.embedding)
      #expect(after < 0.02 * before, "\(share): \(after) of \(before)")
      // The result is neither the minimum of the penalty nor that of the loss.
      let lossAlone = try fit(from: start, innerSteps: 12, reach: 1e-3).embedding
      #expect(try slope(empty) > 0.1 * before && slope(lossAlone) > 0.1 * before, "\(share)")
    }
  }

  @Test("the first iteration equals that of conjugate directions")
  func firstIteration() throws {
    for start in [empty, halfway] {
      let (one, other) = (
        try fit(from: start, innerSteps: 1),
        try fit(from: start, innerSteps: 1, optimizer: .conjugateDirections)
      )
      #expect(one.embedding != start)
      expectClose(one.embedding - start, other.embedding - start, relative: 1e-4)
      #expect(one.updates == 1 && other.updates == 1)
    }
  }

  @Test(
    "more iterations come closer to the pivot, and a penalty keeps the embedding closer to that of the empty text"
  )
  func tradeOff() throws {
    let losses = try (0..<5).map { try #require(fit(from: halfway, innerSteps: $0).loss) }
    for (more, fewer) in zip(losses.dropFirst(), losses) { #expect(more < fewer, "\(losses)") }
    let weights: [Double] = [0, 1e-4, 1e-2, 1, 100]
    let distances = try weights.map {
      try fit(from: halfway, innerSteps: 4, weight: $0).embedding.meanSquaredDifference(to: empty)
    }
    for (more, less) in zip(distances.dropFirst(), distances) {
      #expect(more <= less * 1.0001, "\(distances)")
    }
    // If the penalty dominates, the result is its minimum.
    #expect(distances[4] < 1e-4 * halfway.meanSquaredDifference(to: empty))
    #expect(distances[0] > 0.5 * halfway.meanSquaredDifference(to: empty))
  }

  @Test(
    "the last steps have no penalty and twice the iterations; a halfway start is the mean of both embeddings")
  func finalSteps() throws {
    var small = small
    let settings = NullText(
      innerSteps: 2, earlyStop: 0, optimizer: .gaussNewton, start: .halfway, regularization: 1e6,
      finalSteps: 2)
    small.options.method = .nullText(settings)
    let inversion = try small.inversion()
    // Between two equal noise levels, the last step of this model does not change the latent.
    #expect(inversion.innerSteps == [2, 2, 4, 0])
    let distances = inversion.nullEmbeddings.map { $0.meanSquaredDifference(to: empty) }
    #expect(distances[1] < 1e-6 && distances[2] > 10 * distances[1], "\(distances)")
    small.options.nullText?.innerSteps = 0
    #expect(try small.inversion().nullEmbeddings.allSatisfy { $0 == halfway })
  }

  @Test(
    "a step that overshoots is shortened, and no step increases the loss",
    arguments: [0.05, 0.3, 0.5, 0.7, 1] as [Float])
  func shortened(distance: Float) throws {
    let target = loss.target + Tensor.random(loss.target.shape, seed: 5) * distance
    let far = try Self.loss(small, from: pivots[3], to: target)
    let step = try NullTextOptimizer(settings: NullText(earlyStop: 0, optimizer: .gaussNewton)).fit(
      far, step: 0, from: halfway, innerSteps: 4)
    let reached = try #require(step.loss)
    #expect(reached <= step.losses[0] && step.losses.contains(reached))
    // The shorter step is tried exactly where the full step fails.
    #expect(step.losses.count == (step.losses[1] < step.losses[0] ? 2 : 3))
    if 0.3...0.7 ~= distance { #expect(step.losses.count == 3 && reached < step.losses[0]) }
  }

  @Test(
    "the predicted evaluations are exact: at most one landing less if nothing stops early, the minimum if everything does"
  )
  func evaluations() throws {
    var small = try SmallInversion("linear-v")
    var settings = NullText.fast
    settings.finalSteps = 2
    for earlyStop in [0, 1e9] {
      settings.earlyStop = earlyStop
      small.options.method = .nullText(settings)
      let (inversion, evaluations) = try small.counting { try small.inversion() }
      #expect(inversion.innerSteps == (earlyStop == 0 ? [2, 2, 4, 4] : [0, 0, 0, 0]))
      guard earlyStop == 0 else {
        #expect(evaluations == small.options.leastWork.evaluations)
        continue
      }
      let most = small.options.mostWork.evaluations
      #expect(evaluations.backward == most.backward && evaluations.stem == most.stem)
      // Steps that need no shortening evaluate one landing instead of two.
      #expect((most.forward - 4...most.forward).contains(evaluations.forward))
    }
  }

  @Test("published settings are omitted from files, and other settings are decoded as they were encoded")
  func stored() throws {
    for name in ["regularization", "finalSteps"] {
      #expect(!InversionOptions().json.contains(name))
      #expect(InversionOptions.fast.json.contains(name))
    }
    #expect(InversionOptions(json: InversionOptions.fast.json) == .fast)
    let older = #"{"method":"nullText","optimizer":"conjugateDirections","start":"caption","innerSteps":2}"#
    let exact = NullText(innerSteps: 2, optimizer: .conjugateDirections, start: .caption)
    #expect(InversionOptions(json: older) == InversionOptions(method: .nullText(exact)))
    #expect(InversionOptions.fast.steps == 16 && InversionOptions.fast.nullText == .fast)
  }

  @Test(
    "invalid settings are rejected, and so are settings of Gauss-Newton with other optimizers",
    arguments: [
      Change("negative regularization") { $0.regularization = -1e-9 },
      Change("infinite regularization") { $0.regularization = .infinity },
      Change("NaN regularization") { $0.regularization = .nan },
      Change("negative final steps") { $0.finalSteps = -1 },
      Change("with Adam") { $0.optimizer = .adam },
      Change("with conjugate directions") {
        $0.optimizer = .conjugateDirections
        $0.regularization = 0
      },
    ] as [Change<NullText>])
  func refused(change: Change<NullText>) throws {
    var settings = NullText.fast
    #expect(throws: Never.self) { try InversionOptions(method: .nullText(settings)).validate() }
    change.apply(&settings)
    #expect(throws: InputError.self) { try InversionOptions(method: .nullText(settings)).validate() }
  }

  @Test("more than a hundred steps are allowed, because there is no decreasing learning rate")
  func manySteps() {
    var options = InversionOptions.fast
    options.steps = 200
    #expect(throws: Never.self) { try options.validate() }
  }
}
