internal import DiffusionCore
internal import Tensor

/// How null-text inversion fits a null embedding in each step.
///
/// The defaults are those of the published method (Mokady et al. 2022).
public struct NullText: Sendable, Hashable {
  /// The most inner iterations of a step.
  public var innerSteps: Int
  /// The loss under which the first step stops; each following step allows 2e-5 more.
  public var earlyStop: Double
  /// How an embedding is fitted.
  public var optimizer: Optimizer
  /// The null embedding that the first step starts from.
  public var start: NullEmbeddingStart
  /// The weight λ of the penalty λ (c (1 − w))² mean (∅ − ∅ₑ)² that is added to the loss of a step, with ∅ₑ the empty text's
  /// embedding and c (1 − w) the factor of the null prediction in the step.
  ///
  /// With that factor λ weighs embeddings against predictions, and means the same for any number of steps and any guidance.
  ///
  /// Guidance was trained with the empty text. A larger weight keeps the fitted embeddings nearer to it: edits improve, and the
  /// reconstruction loses. For ``Optimizer/gaussNewton`` only.
  public var regularization: Double
  /// The number of last steps that are fitted without the penalty and with twice the inner iterations.
  ///
  /// They improve the reconstruction and hardly change edits. For ``Optimizer/gaussNewton`` only.
  public var finalSteps: Int
  /// How long the whole inversion may take; nil for as long as it needs.
  ///
  /// The result then depends on the speed of the machine.
  public var budget: Duration?

  /// How a null embedding is fitted in each step.
  public enum Optimizer: String, Sendable, Codable, CaseIterable {
    /// Adam with the published learning rates; the loss is tested after each update, so there is always one.
    case adam
    /// Adam, but the loss is tested first, and a step whose loss is low enough makes no update; of all landings of a step
    /// the nearest is kept.
    case adamTestingFirst
    /// Conjugate directions with exact steps: the loss is nearly quadratic in the null prediction, so one more evaluation
    /// along a direction tells how far to go. The loss is tested first.
    case conjugateDirections
    /// Gauss-Newton: conjugate gradients minimise the loss of the linearised prediction, with one forward and one backward
    /// evaluation for each inner iteration. The loss is tested first.
    case gaussNewton
  }

  /// Settings; the defaults are the published ones.
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

  /// Better edits and nearly the same reconstruction for a seventh of the published evaluations.
  ///
  /// For about 16 steps (``InversionOptions/fast``): starts halfway to the caption's embedding, takes Gauss-Newton steps, and keeps
  /// the embeddings near the empty text's in all but the last four steps. `Docs/Methods.md` has the figures.
  public static var fast: NullText {
    NullText(innerSteps: 2, optimizer: .gaussNewton, start: .halfway, regularization: 0.0015, finalSteps: 4)
  }

  /// The loss under which step `index` stops, counted from the noisiest.
  public func stoppingLoss(at index: Int) -> Double { earlyStop + 2e-5 * Double(index) }

  /// The most inner iterations of step `index` of `stepCount`, counted from the noisiest.
  func innerSteps(at index: Int, of stepCount: Int) -> Int {
    isFinal(index, of: stepCount) ? 2 * innerSteps : innerSteps
  }

  private func isFinal(_ index: Int, of stepCount: Int) -> Bool { index >= stepCount - finalSteps }
}

/// A null embedding to start fitting from.
public enum NullEmbeddingStart: String, Sendable, Codable, CaseIterable {
  /// That of the empty text, as published.
  case empty
  /// The caption's: guidance cancels there, so the walk begins close to the pivots.
  case caption
  /// The mean of both.
  case halfway
}

extension NullText {
  /// A budget from a number that may be anything; `Duration` itself traps on very large ones.
  ///
  /// - Throws: `InputError(.outOfRange)` unless it is above zero and at most 1e9 seconds.
  package static func budget(seconds: Double) throws(InputError) -> Duration {
    try InputError.require(
      seconds > 0 && seconds <= 1e9, "a budget of \(seconds) seconds: ask for more than 0, up to 1e9.")
    return .seconds(seconds)
  }
}

extension NullText: InversionWalk {
  func validate(steps: Int) throws(InputError) {
    try InputError.require(
      (0...1000).contains(innerSteps), "\(innerSteps) inner steps: ask for 0 to 1000.")
    try InputError.require(
      earlyStop.isFinite && earlyStop >= 0,
      "early stop at \(earlyStop): ask for zero or a small positive number.")
    try InputError.require(
      (0...1000).contains(finalSteps), "\(finalSteps) final steps: ask for 0 to 1000.")
    try InputError.require(
      regularization.isFinite && regularization >= 0,
      "a regularization of \(regularization): ask for zero or a small positive number.")
    guard optimizer == .gaussNewton || (regularization == 0 && finalSteps == 0) else {
      throw InputError(
        .mismatch, "Regularization and final steps are settings of the optimizer gauss-newton alone.")
    }
    // The learning rate falls by a hundredth of its start with each step and would be zero at the 101st.
    try InputError.require(
      steps <= 100 || innerSteps == 0 || !optimizer.isAdam,
      "\(steps) steps: null-text optimisation with Adam is defined for at most 100, since its learning rate reaches "
        + "zero there.")
    if let budget { _ = try Self.budget(seconds: budget / .seconds(1)) }
  }

  /// An inner iteration is one forward and one backward evaluation.
  ///
  /// Conjugate directions add one forward for each iteration, Gauss-Newton one or two for each step that iterates.
  ///
  /// - Parameter steps: the last steps of the walk.
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

  /// The published recipe updates before it tests, the others may find nothing to do.
  ///
  /// With a budget, a step may be left with the single evaluation that moves it.
  func leastEvaluations(steps: Int) -> EvaluationCount {
    guard budget == nil else { return .singleSteps(steps) }
    let iterations = optimizer == .adam ? min(innerSteps, 1) * steps : 0
    return .guidedSteps(steps) + EvaluationCount(forward: iterations, backward: iterations)
  }

  /// What the walk still asks of the networks after so many steps, and inner iterations of the next.
  private func left(after step: Int, innerSteps made: Int = 0, of stepCount: Int) -> WorkRange {
    guard made > 0 else {
      return WorkRange(
        least: leastEvaluations(steps: stepCount - step), most: mostEvaluations(steps: stepCount - step))
    }
    var rest = self
    (rest.innerSteps, rest.finalSteps) = (max(0, innerSteps(at: step, of: stepCount) - made), 0)
    let later = left(after: step + 1, of: stepCount)
    // The step under way has its landing still to make.
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
            .optimisation, step: index, of: stepCount, innerStep: innerStep, loss: loss,
            left: left(after: index, innerSteps: innerStep, of: stepCount))
        }
        try unfinished.inversion.append(
          step.embedding, step.latent, loss: step.loss, innerSteps: step.updates)
        budget?.learn(ContinuousClock.now - begun, innerSteps: step.updates)
      case .bareStep:
        // Where guidance cancels, one evaluation makes the step.
        try unfinished.inversion.append(walk.captionEmbedding, walk.unguided(index, from: latent))
      }
      try walk.finish(unfinished, left: left(after: index + 1, of: stepCount))
    }
  }
}

extension NullText {
  /// What is added to the loss of step `index`; nil where there is nothing to add.
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
  /// The null embedding to start fitting from.
  func embedding(_ start: NullEmbeddingStart) -> Tensor {
    switch start {
    case .empty: emptyEmbedding
    case .caption: captionEmbedding
    case .halfway: .combination(0.5, emptyEmbedding, 0.5, captionEmbedding)
    }
  }
}
