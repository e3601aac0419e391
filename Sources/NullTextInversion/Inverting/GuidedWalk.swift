internal import DiffusionCore
internal import Foundation
internal import Tensor

/// The guided way down from the last pivot, filling an inversion's null embeddings and trajectory by its method.
struct GuidedWalk {
  let predictor: NoisePredictor
  let captionEmbedding: Tensor
  let emptyEmbedding: Tensor
  let caption: TextContext
  let options: InversionOptions
  let start: ContinuousClock.Instant
  /// Evaluations forwards that the network had made by then.
  let evaluationsAtStart: Int
  let progress: ProgressHandler?
  let keep: (Inversion) throws -> Void

  private var steps: Int { options.steps }

  /// Goes on from wherever the inversion stands.
  func complete(_ inversion: inout Inversion) throws {
    if inversion.trajectory.isEmpty { inversion.trajectory = [inversion.pivots[steps]] }
    switch options.method {
    case .nullText: try optimise(&inversion)
    case .negativePrompt:
      let null = emptyEmbedding.interpolated(from: captionEmbedding, by: options.interpolation)
      try walk(&inversion, null: null, cancels: options.interpolation == 0)
    case .ddim: try walk(&inversion, null: emptyEmbedding, cancels: false)
    case .direct: replay(&inversion)
    case .globalNullText:
      let null = try GlobalNullText(walk: self).embedding(for: &inversion)
      try walk(&inversion, null: null, cancels: false)
    }
  }

  private func reporter(_ inversion: Inversion) -> ProgressReporter {
    ProgressReporter(
      .optimisation, stepCount: steps, firstStep: inversion.nullEmbeddings.count, since: start, progress)
  }

  private func optimise(_ inversion: inout Inversion) throws {
    let optimizer = NullTextOptimizer(predictor: predictor, caption: caption, options: options)
    var budget = options.budget.map {
      InnerBudget(
        seconds: $0, start: start, evaluations: predictor.unet.counter.total.forward - evaluationsAtStart,
        sampler: predictor.sampler, options: options)
    }
    let reporter = reporter(inversion)
    let first = options.start == .empty ? emptyEmbedding : captionEmbedding
    while inversion.nullEmbeddings.count < steps {
      let index = inversion.nullEmbeddings.count
      let allowance = budget?.allowance(for: index) ?? .innerSteps(options.innerSteps)
      let begun = ContinuousClock.now
      switch allowance {
      case .innerSteps(let innerSteps):
        let step = try optimizer.step(
          index, from: inversion.trajectory[index], embedding: inversion.nullEmbeddings.last ?? first,
          target: inversion.pivot(after: index), innerSteps: innerSteps
        ) { reporter.report(step: index, innerStep: $0, loss: $1) }
        append(
          step.embedding, step.latent, loss: step.loss, innerSteps: step.updates, to: &inversion)
        budget?.learn(ContinuousClock.now - begun, innerSteps: step.updates)
      case .bareStep:
        // Where guidance cancels, one evaluation makes the step.
        append(
          captionEmbedding, try bareLatent(index, inversion), loss: nil, innerSteps: 0, to: &inversion)
      }
      reporter.report(step: index + 1, loss: inversion.losses.last)
      try keep(inversion)
    }
  }

  /// Every step with the same null embedding.
  ///
  /// - Parameter cancels: whether that is the caption's own, so that one evaluation tells both predictions.
  private func walk(_ inversion: inout Inversion, null: Tensor, cancels: Bool) throws {
    let context = predictor.unet.context(null)
    let reporter = reporter(inversion)
    while inversion.nullEmbeddings.count < steps {
      let index = inversion.nullEmbeddings.count
      let latent =
        cancels
        ? try bareLatent(index, inversion) : try step(index, from: inversion.trajectory[index], null: context)
      append(null, latent, loss: nil, innerSteps: 0, to: &inversion)
      reporter.report(step: index + 1, loss: inversion.losses.last)
      try keep(inversion)
    }
  }

  /// The pivots themselves, in the order of sampling.
  private func replay(_ inversion: inout Inversion) {
    inversion.trajectory = inversion.pivots.reversed()
    inversion.nullEmbeddings = Array(repeating: emptyEmbedding, count: steps)
    inversion.losses = Array(repeating: 0, count: steps)
    inversion.innerSteps = Array(repeating: 0, count: steps)
  }

  /// The latent that a guided step leads to.
  func step(_ index: Int, from latent: Tensor, null: TextContext) throws -> Tensor {
    let timestep = predictor.sampler.timesteps[index]
    let stem = try predictor.stem(latent, at: timestep)
    let prediction = predictor.guided(
      null: try predictor.prediction(stem, null), text: try predictor.prediction(stem, caption),
      guidance: options.guidance)
    return predictor.sampler.denoised(latent, prediction: prediction.value, step: index)
  }

  /// The latent that a step leads to where the null embedding is the caption's, and guidance cancels.
  private func bareLatent(_ index: Int, _ inversion: Inversion) throws -> Tensor {
    let (latent, timestep) = (inversion.trajectory[index], predictor.sampler.timesteps[index])
    let prediction = try predictor.prediction(predictor.stem(latent, at: timestep), caption)
    return predictor.sampler.denoised(latent, prediction: prediction.value, step: index)
  }

  private func append(
    _ embedding: Tensor, _ latent: Tensor, loss: Float?, innerSteps: Int, to inversion: inout Inversion
  ) {
    let index = inversion.nullEmbeddings.count
    inversion.losses.append(loss ?? latent.meanSquaredDifference(to: inversion.pivot(after: index)))
    inversion.nullEmbeddings.append(embedding)
    inversion.trajectory.append(latent)
    inversion.innerSteps.append(innerSteps)
  }
}

extension Tensor {
  /// Along the great circle from `start` (0) to this tensor (1), row by row.
  fileprivate func interpolated(from start: Tensor, by share: Double) -> Tensor {
    guard share > 0 else { return start }
    return Tensor(
      stacking: (0..<shape[0]).map { row in
        let (a, b) = (start[row], self[row])
        let cosine = Double(a.dot(b)) / (Double(a.norm) * Double(b.norm))
        // Rows that point the same way lie on no circle of their own.
        guard cosine.isFinite, abs(cosine) < 0.9995 else {
          return .combination(Float(1 - share), a, Float(share), b)
        }
        let angle = acos(cosine)
        return .combination(
          Float(sin((1 - share) * angle) / sin(angle)), a, Float(sin(share * angle) / sin(angle)), b)
      })
  }
}
