internal import DiffusionCore

/// How a picture is inverted.
///
/// The defaults are those of the published method.
/// Codable; what a stored form leaves out has its default.
public struct InversionOptions: Sendable, Equatable {
  /// How the null embeddings are found.
  public var method = InversionMethod.nullText
  /// The number of sampling steps, T.
  public var steps = 50
  /// The strength of classifier-free guidance under which the picture is to be reproduced.
  public var guidance = 7.5
  /// The most inner iterations that a step may take; the number of sweeps of `globalNullText`.
  public var innerSteps = 10
  /// The loss under which the first step stops; each following step allows 2e-5 more.
  public var earlyStop = 1e-5
  /// How a null embedding is fitted.
  public var optimizer = Optimizer.adam
  /// The null embedding that the first step starts from.
  public var start = Start.empty
  /// How far negative-prompt inversion goes from the caption's embedding (0) to that of the empty text (1), along the
  /// great circle between them.
  public var interpolation = 0.0
  /// Where the pivots come from.
  public var pivots = Pivots.inversion
  /// How often each pivot is refined by a fixed-point iteration, one evaluation each.
  ///
  /// Pan et al. 2023.
  public var pivotRefinements = 0
  /// How many seconds the whole inversion may take; nil for as long as it needs.
  ///
  /// What comes out then depends on the
  /// machine's pace.
  public var budget: Double?

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
  }

  /// A null embedding to start from.
  public enum Start: String, Sendable, Codable, CaseIterable {
    /// That of the empty text, as published.
    case empty
    /// The caption's: guidance cancels there, so the walk begins close to the pivots.
    case caption
  }

  /// A trajectory for the walk to follow.
  public enum Pivots: Sendable, Equatable {
    /// DDIM inversion under the caption.
    case inversion
    /// The encoded picture with one noise, scaled for every step (the ablation of the paper).
    case random(seed: UInt64)
  }

  /// The published recipe.
  public init() {}

  /// About the same reconstruction for far fewer evaluations.
  ///
  /// Starts at the caption's embedding, tests before the first update, and makes exact steps. `Docs/Methods.md` has the
  /// figures.
  public static var fast: InversionOptions {
    var options = InversionOptions()
    options.optimizer = .conjugateDirections
    options.start = .caption
    options.innerSteps = 2
    return options
  }
}

extension InversionOptions {
  /// The loss under which step `index` stops, counted from the noisiest.
  public func stoppingLoss(at index: Int) -> Double { earlyStop + 2e-5 * Double(index) }

  /// Refuses what makes no sense, before any work.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  public func validate() throws(InputError) {
    func check(_ holds: Bool, _ sentence: @autoclosure () -> String) throws(InputError) {
      if !holds { throw InputError(.outOfRange, sentence()) }
    }
    try check((1...1000).contains(steps), "\(steps) steps: ask for 1 to 1000.")
    // The learning rate falls by a hundredth of its start with each step and would be zero at the 101st.
    try check(
      steps <= 100 || method != .nullText || innerSteps == 0 || optimizer == .conjugateDirections,
      "\(steps) steps: null-text optimisation with Adam is defined for at most 100, since its learning rate reaches "
        + "zero there.")
    try check(guidance.isFinite && (0...100).contains(guidance), "guidance \(guidance): ask for 0 to 100.")
    try check((0...1000).contains(innerSteps), "\(innerSteps) inner steps: ask for 0 to 1000.")
    try check(
      earlyStop.isFinite && earlyStop >= 0,
      "early stop at \(earlyStop): ask for zero or a small positive number.")
    try check((0...1).contains(interpolation), "interpolation \(interpolation): ask for 0 to 1.")
    try check(
      (0...100).contains(pivotRefinements), "\(pivotRefinements) refinements a pivot: ask for 0 to 100.")
    if let budget {
      try check(budget > 0 && budget <= 1e9, "a budget of \(budget) seconds: ask for more than 0, up to 1e9.")
    }
  }
}

extension InversionOptions: Codable {
  private enum Key: String, CodingKey {
    case method, steps, guidance, innerSteps, earlyStop, optimizer, start, interpolation, randomPivotSeed
    case pivotRefinements, budget
  }

  /// Reads options; what is absent has its default.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    func read<T: Decodable>(_ key: Key, into value: inout T) throws {
      value = try values.decodeIfPresent(T.self, forKey: key) ?? value
    }
    try read(.method, into: &method)
    try read(.steps, into: &steps)
    try read(.guidance, into: &guidance)
    try read(.innerSteps, into: &innerSteps)
    try read(.earlyStop, into: &earlyStop)
    try read(.optimizer, into: &optimizer)
    try read(.start, into: &start)
    try read(.interpolation, into: &interpolation)
    if let seed = try values.decodeIfPresent(UInt64.self, forKey: .randomPivotSeed) {
      pivots = .random(seed: seed)
    }
    try read(.pivotRefinements, into: &pivotRefinements)
    budget = try values.decodeIfPresent(Double.self, forKey: .budget)
  }

  /// Writes all options.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(method, forKey: .method)
    try values.encode(steps, forKey: .steps)
    try values.encode(guidance, forKey: .guidance)
    try values.encode(innerSteps, forKey: .innerSteps)
    try values.encode(earlyStop, forKey: .earlyStop)
    try values.encode(optimizer, forKey: .optimizer)
    try values.encode(start, forKey: .start)
    try values.encode(interpolation, forKey: .interpolation)
    if case .random(let seed) = pivots { try values.encode(seed, forKey: .randomPivotSeed) }
    try values.encode(pivotRefinements, forKey: .pivotRefinements)
    try values.encodeIfPresent(budget, forKey: .budget)
  }
}
