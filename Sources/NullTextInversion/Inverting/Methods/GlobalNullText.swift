internal import DiffusionCore
internal import Tensor

/// Global null-text inversion: one null embedding for all steps, an ablation of the paper.
///
/// A sweep samples from the last pivot; each step updates the embedding once toward the next pivot and continues
/// with the updated embedding. One Adam optimizer is used for all sweeps. The result is the embedding of the sweep
/// with the lowest mean loss.
public struct GlobalNullText: Sendable, Hashable {
  /// The maximum number of sweeps, 0 to 1000.
  public var sweeps: Int
  /// The mean loss of a sweep below which no further sweep follows.
  public var earlyStop: Double
  /// The initial embedding.
  public var start: NullEmbeddingStart

  /// Creates the settings of the ablation.
  public init(sweeps: Int = 10, earlyStop: Double = 1e-5, start: NullEmbeddingStart = .empty) {
    self.sweeps = sweeps
    self.earlyStop = earlyStop
    self.start = start
  }

  /// The state between two sweeps.
  struct Sweeps: Equatable {
    var embedding: Tensor
    /// The number of finished sweeps.
    var count = 0
    /// The mean loss of the last sweep.
    var distance = Float.infinity
    var best: Tensor
    var bestDistance = Float.infinity
    /// Adam's running means of the gradient and of its square.
    var mean: Tensor
    var square: Tensor
  }
}

extension GlobalNullText: InversionWalk {
  func validate(steps: Int) throws(InputError) {
    try InputError.require(
      (0...1000).contains(sweeps),
      "The number of inner steps (sweeps) is \(sweeps), but must be between 0 and 1000.")
    try InputError.require(
      earlyStop.isFinite && earlyStop >= 0,
      "The early-stop loss is \(earlyStop), but must be zero or a small positive number.")
  }

  /// Counts three forward evaluations and one backward evaluation per step of a sweep.
  func mostEvaluations(steps: Int) -> EvaluationCount {
    .guidedSteps(steps)
      + EvaluationCount(forward: 3 * sweeps * steps, backward: sweeps * steps, stem: sweeps * steps)
  }

  func complete(_ unfinished: inout UnfinishedInversion, along walk: GuidedWalk) throws {
    try walk.complete(&unfinished, null: embedding(for: &unfinished, walk))
  }

  func leastEvaluations(steps: Int) -> EvaluationCount {
    var single = self
    single.sweeps = min(sweeps, 1)
    return single.mostEvaluations(steps: steps)
  }

  /// Returns the embedding of the steps already made, or the result of the missing sweeps.
  private func embedding(for unfinished: inout UnfinishedInversion, _ walk: GuidedWalk) throws -> Tensor {
    if let found = unfinished.inversion.nullEmbeddings.first { return found }
    var state = unfinished.sweeps ?? Sweeps(startingAt: walk.embedding(start))
    let steps = unfinished.inversion.stepCount
    while state.count < sweeps, Double(state.distance) >= earlyStop {
      try sweep(&state, unfinished.inversion, walk)
      var rest = self
      rest.sweeps -= state.count
      walk.progress.report(
        .optimization, step: state.count, of: sweeps, loss: state.distance,
        left: WorkRange(least: .guidedSteps(steps), most: rest.mostEvaluations(steps: steps)))
      unfinished.sweeps = state
      try walk.keep(unfinished)
    }
    unfinished.sweeps = nil
    return state.best
  }

  private func sweep(_ state: inout Sweeps, _ inversion: Inversion, _ walk: GuidedWalk) throws {
    let steps = inversion.stepCount
    var adam = Adam(
      learningRate: 0.01, stepCount: state.count * steps, moments: (state.mean, state.square))
    var latent = inversion.trajectory[0]
    var distance: Float = 0
    for index in 0..<steps {
      let loss = try walk.loss(index, from: latent, of: inversion)
      let (value, gradient) = try valueAndGradient(at: state.embedding) { try loss($0) }
      adam.step(&state.embedding, gradient: gradient)
      latent = try loss.landing(state.embedding)
      distance += value / Float(steps)
    }
    if let moments = adam.moments { (state.mean, state.square) = moments }
    for tensor in [state.embedding, state.mean, state.square] {
      try tensor.requireFinite("The optimizer state of sweep \(state.count + 1)")
    }
    state.count += 1
    state.distance = distance
    if distance < state.bestDistance { (state.best, state.bestDistance) = (state.embedding, distance) }
  }
}

extension GlobalNullText.Sweeps {
  init(startingAt embedding: Tensor) {
    let zeros = Tensor(zeros: embedding.shape)
    self.init(embedding: embedding, best: embedding, mean: zeros, square: zeros)
  }
}
