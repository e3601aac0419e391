internal import DiffusionCore
internal import Tensor

/// The settings of null-text inversion, which optimizes a null embedding in each step.
///
/// The defaults are those of the published method (Mokady et al. 2022).
public struct NullText: Sendable, Hashable {
  /// The maximum number of inner iterations per step, 0 to 1000.
  public var innerSteps: Int
  /// The loss below which the first step stops; the limit increases by 2e-5 with each step.
  public var earlyStop: Double
  /// The optimizer of the embeddings.
  public var optimizer: Optimizer
  /// The initial null embedding of the first step.
  public var start: NullEmbeddingStart
  /// The weight λ of a penalty that keeps the embeddings near that of the empty text; 0 for none.
  ///
  /// The penalty λ (c (1 − w))² mean (∅ − ∅ₑ)² is added to the loss of a step, where ∅ₑ is the embedding of the empty
  /// text and c (1 − w) the factor of the null prediction in the step. This factor makes λ independent of the number
  /// of steps and the guidance scale.
  ///
  /// The model was trained for guidance with the empty text. A larger weight improves edits and worsens the
  /// reconstruction. It requires ``Optimizer/gaussNewton``.
  public var regularization: Double
  /// The number of final steps, which have no penalty and twice the inner iterations.
  ///
  /// They improve the reconstruction and have little effect on edits. They require ``Optimizer/gaussNewton``.
  public var finalSteps: Int
  /// The time limit of the whole inversion; nil for none.
  ///
  /// With a budget, the result depends on the speed of the machine.
  public var budget: Duration?

  /// An optimizer of the null embeddings.
  public enum Optimizer: String, Sendable, Codable, CaseIterable {
    /// Adam with the published learning rates; the loss is tested after each update, so each step makes at least one
    /// update.
    case adam
    /// Adam with the loss tested before each update, so that a step with a low loss makes no update; the embedding
    /// with the lowest loss is kept.
    case adamTestingFirst
    /// Conjugate directions with exact line search, which needs only one additional evaluation per update because the
    /// loss is nearly quadratic in the null embedding; the loss is tested before each update.
    case conjugateDirections
    /// Gauss-Newton: conjugate gradients minimize the loss of the linearized prediction, with one forward and one
    /// backward evaluation per inner iteration; the loss is tested first.
    case gaussNewton
  }

  /// Creates settings; the defaults are the published ones.
  public init(
    innerSteps: Int = 10, earlyStop: Double = 1e-5, optimizer: Optimizer = .adam,
    start: NullEmbeddingStart = .empty, regularization: Double = 0, finalSteps: Int = 0,
    budget: Duration? = nil
  ) {
    self.innerSteps = innerSteps
    self.earlyStop = earlyStop
    self.optimizer = optimizer
    self.start = start
    self.regularization = regularization
    self.finalSteps = finalSteps
    self.budget = budget
  }

  /// Settings for better edits and nearly the same reconstruction at a seventh of the published number of
  /// evaluations.
  ///
  /// They are meant for about 16 steps (``InversionOptions/fast``): the start is halfway to the caption's embedding,
  /// the optimizer is Gauss-Newton, and all but the last four steps have a penalty that keeps the embeddings near
  /// that of the empty text. `Docs/Methods.md` gives the measurements.
  public static var fast: NullText {
    NullText(innerSteps: 2, optimizer: .gaussNewton, start: .halfway, regularization: 0.0015, finalSteps: 4)
  }

  /// Returns the loss below which step `index` stops, counted from the noisiest.
  public func stoppingLoss(at index: Int) -> Double { earlyStop + 2e-5 * Double(index) }

  /// Returns the maximum number of inner iterations of step `index` of `stepCount`, counted from the noisiest.
  func innerSteps(at index: Int, of stepCount: Int) -> Int {
    isFinal(index, of: stepCount) ? 2 * innerSteps : innerSteps
  }

  private func isFinal(_ index: Int, of stepCount: Int) -> Bool { index >= stepCount - finalSteps }
}

/// An initial null embedding.
public enum NullEmbeddingStart: String, Sendable, Codable, CaseIterable {
  /// The embedding of the empty text, as published.
  case empty
  /// The caption's embedding: guidance cancels there, so sampling begins close to the pivots.
  case caption
  /// The mean of both embeddings.
  case halfway
}

extension NullText {
  /// Converts seconds to a budget; `Duration` itself traps on very large numbers.
  ///
  /// - Throws: `InputError(.outOfRange)` unless the number is greater than 0 and at most 1e9.
  package static func budget(seconds: Double) throws(InputError) -> Duration {
    try InputError.require(
      seconds > 0 && seconds <= 1e9,
      "The budget is \(seconds) seconds, but must be greater than 0 and at most 1e9.")
    return .seconds(seconds)
  }
}

extension NullText: InversionWalk {
  func validate(steps: Int) throws(InputError) {
    try InputError.require(
      (0...1000).contains(innerSteps),
      "The number of inner steps is \(innerSteps), but must be between 0 and 1000.")
    try InputError.require(
      earlyStop.isFinite && earlyStop >= 0,
      "The early-stop loss is \(earlyStop), but must be zero or a small positive number.")
    try InputError.require(
      (0...1000).contains(finalSteps),
      "The number of final steps is \(finalSteps), but must be between 0 and 1000.")
    try InputError.require(
      regularization.isFinite && regularization >= 0,
      "The regularization is \(regularization), but must be zero or a small positive number.")
    guard optimizer == .gaussNewton || (regularization == 0 && finalSteps == 0) else {
      throw InputError(
        .mismatch, "Regularization and final steps need the optimizer gauss-newton.")
    }
    // The learning rate decreases by 1 % of its initial value per step and would be zero at step 101.
    try InputError.require(
      steps <= 100 || innerSteps == 0 || !optimizer.isAdam,
      "The number of steps is \(steps), but null-text inversion with Adam supports at most 100, because its learning rate "
        + "then reaches zero. Use fewer steps or another optimizer.")
    if let budget { _ = try Self.budget(seconds: budget / .seconds(1)) }
  }

  /// Counts one forward and one backward evaluation per inner iteration.
  ///
  /// Conjugate directions add one forward evaluation per iteration, Gauss-Newton at most two per step that iterates.
  ///
  /// - Parameter steps: The number of remaining steps.
  func mostEvaluations(steps: Int) -> EvaluationCount {
    let iterations = innerSteps * (steps + min(steps, finalSteps))
    let landings =
      switch optimizer {
      case .adam, .adamTestingFirst: 0
      case .conjugateDirections: iterations
      case .gaussNewton: innerSteps > 0 ? 2 * steps : 0
      }
    return .guidedSteps(steps) + EvaluationCount(forward: iterations + landings, backward: iterations)
  }

  /// Counts at least one update per step for the published optimizer, and none for the others.
  ///
  /// With a budget, a step may have only a single evaluation.
  func leastEvaluations(steps: Int) -> EvaluationCount {
    guard budget == nil else { return .singleSteps(steps) }
    let iterations = optimizer == .adam ? min(innerSteps, 1) * steps : 0
    return .guidedSteps(steps) + EvaluationCount(forward: iterations, backward: iterations)
  }

  /// Returns the remaining work after some steps and some inner iterations of the next step.
  private func left(after step: Int, innerSteps made: Int = 0, of stepCount: Int) -> WorkRange {
    guard made > 0 else {
      return WorkRange(
        least: leastEvaluations(steps: stepCount - step), most: mostEvaluations(steps: stepCount - step))
    }
    var rest = self
    (rest.innerSteps, rest.finalSteps) = (max(0, innerSteps(at: step, of: stepCount) - made), 0)
    let later = left(after: step + 1, of: stepCount)
    // The current step still has to evaluate its latent.
    let current = WorkRange(
      least: NetworkWork(evaluations: EvaluationCount(forward: 1)),
      most: NetworkWork(evaluations: rest.mostEvaluations(steps: 1)))
    return current + later
  }

  func complete(_ unfinished: inout UnfinishedInversion, along walk: GuidedWalk) throws {
    let optimizer = NullTextOptimizer(settings: self)
    var budget = try budget.map {
      try InnerBudget(
        $0, of: self, start: walk.progress.start, pace: walk.progress.pace.network,
        sampler: walk.sampler.invertible,
        guidance: walk.step.guidance)
    }
    let stepCount = unfinished.inversion.stepCount
    let first = walk.embedding(start)
    while unfinished.inversion.nullEmbeddings.count < stepCount {
      let index = unfinished.inversion.nullEmbeddings.count
      let latent = unfinished.inversion.trajectory[index]
      let begun = ContinuousClock.now
      let mostInnerSteps = innerSteps(at: index, of: stepCount)
      switch budget?.allowance(for: index) ?? .innerSteps(mostInnerSteps) {
      case .innerSteps(let innerSteps):
        let step = try optimizer.fit(
          walk.loss(index, from: latent, of: unfinished.inversion), step: index,
          from: unfinished.inversion.nullEmbeddings.last ?? first, innerSteps: innerSteps,
          penalty: penalty(at: index, walk)
        ) { innerStep, loss in
          walk.progress.report(
            .optimization, step: index, of: stepCount, innerStep: innerStep, loss: loss,
            left: left(after: index, innerSteps: innerStep, of: stepCount))
        }
        try unfinished.inversion.append(
          step.embedding, step.latent, loss: step.loss, innerSteps: step.updates)
        budget?.learn(ContinuousClock.now - begun, innerSteps: step.updates)
      case .bareStep:
        // Guidance cancels with the caption's embedding, so one evaluation is enough.
        try unfinished.inversion.append(walk.captionEmbedding, walk.unguided(index, from: latent))
      }
      try walk.finish(unfinished, left: left(after: index + 1, of: stepCount))
    }
  }
}

extension NullText {
  /// Returns the penalty of step `index`; nil for steps without one.
  private func penalty(at index: Int, _ walk: GuidedWalk) throws -> EmbeddingPenalty? {
    guard regularization > 0, !isFinal(index, of: walk.sampler.stepCount) else { return nil }
    let factor = try walk.sampler.invertible.nullFactor(step: index, guidance: walk.step.guidance)
    return EmbeddingPenalty(weight: regularization * factor * factor, center: walk.emptyEmbedding)
  }
}

extension NullText.Optimizer {
  fileprivate var isAdam: Bool { self == .adam || self == .adamTestingFirst }
}

extension GuidedWalk {
  /// Returns the initial null embedding.
  func embedding(_ start: NullEmbeddingStart) -> Tensor {
    switch start {
    case .empty: emptyEmbedding
    case .caption: captionEmbedding
    case .halfway: .combination(0.5, emptyEmbedding, 0.5, captionEmbedding)
    }
  }
}
