public import DiffusionCore

/// How a picture is inverted.
///
/// The defaults are those of the published method. Codable; what a stored form leaves out has its default.
///
///     var options = InversionOptions.fast
///     options.steps = 20
///     options.method = .nullText(NullText(innerSteps: 5))
public struct InversionOptions: Sendable, Hashable {
  /// How the null embeddings are found.
  public var method: InversionMethod
  /// The number of sampling steps, T.
  public var steps = 50
  /// The strength of classifier-free guidance under which the picture is to be reproduced.
  public var guidance = 7.5
  /// Where the pivots come from.
  public var pivots = Pivots.inversion
  /// The sampler whose timesteps the path has: DDIM's, or LCM's for pivots of independent noise.
  public var sampler = SamplerName.ddim
  /// How often each pivot is refined by a fixed-point iteration at most, one evaluation each (two under guidance).
  ///
  /// Pan et al. 2023.
  public var pivotRefinements = 0
  /// The mean squared change of a pivot under which it is refined no further; nil to make all refinements.
  ///
  /// Li et al. 2024 (SPDInv) stop at 5e-6.
  public var pivotTolerance: Double?
  /// The strength of guidance on the way from picture to noise; at 1 the caption alone is asked.
  ///
  /// SimInversion takes 0.5.
  public var pivotGuidance = 1.0
  /// Mixes each pivot with the one before it, in a window of the way up; nil for no mixing.
  public var easyInv: EasyInv?
  /// Which part of the picture is inverted, and at what size.
  public var framing = Framing.square

  /// A trajectory for the walk to follow.
  public enum Pivots: Sendable, Hashable {
    /// DDIM inversion under the caption.
    case inversion
    /// The encoded picture with noise of its own at each level, drawn from the noisiest down: no evaluation at all.
    ///
    /// The path of edit-friendly inversion (Huberman-Spiegelglas et al. 2024) and, at LCM's timesteps, of InfEdit
    /// (Xu et al. 2024). Every seed gives another path, and so another edit.
    case independentNoise(seed: UInt64)
    /// The encoded picture with one noise, scaled for every step (the ablation of the paper).
    case random(seed: UInt64)
  }

  /// The published recipe, or another method.
  public init(method: InversionMethod = .nullText()) { self.method = method }

  /// Null-text inversion with ``NullText/fast`` in 16 steps: a seventh of the published evaluations.
  public static var fast: InversionOptions {
    var options = InversionOptions(method: .nullText(.fast))
    options.steps = 16
    return options
  }

  /// The settings of null-text inversion; nil if the method is another.
  ///
  /// Setting them chooses the method.
  public var nullText: NullText? {
    get { if case .nullText(let settings) = method { settings } else { nil } }
    set { if let newValue { method = .nullText(newValue) } }
  }
}

extension InversionOptions {
  /// The seed of the path's own noise; nil if its pivots are not of independent noise.
  package var noiseSeed: UInt64? { if case .independentNoise(let seed) = pivots { seed } else { nil } }

  /// The step rule that the path is made for.
  var stepRule: StepRule { noiseSeed == nil ? .guided : .difference() }

  /// Refuses what makes no sense, before any work.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  public func validate() throws(InputError) {
    try InputError.require((1...1000).contains(steps), "\(steps) steps: ask for 1 to 1000.")
    try method.walk.validate(steps: steps)
    try GuidedStep.validate(guidance: guidance)
    try GuidedStep.validate(guidance: pivotGuidance)
    try validatePivots()
  }

  private func validatePivots() throws(InputError) {
    try InputError.require(
      (0...100).contains(pivotRefinements), "\(pivotRefinements) refinements a pivot: ask for 0 to 100.")
    if let pivotTolerance {
      try InputError.require(
        pivotTolerance.isFinite && pivotTolerance >= 0,
        "a tolerance of pivots of \(pivotTolerance): ask for zero or a small positive number.")
    }
    try easyInv?.validate()
    if noiseSeed != nil {
      guard method == .direct else {
        throw InputError(
          .mismatch,
          "Pivots of independent noise are replayed and not walked: they need the method direct, not \(method.name.rawValue)."
        )
      }
    } else if sampler != .ddim {
      throw InputError(
        .mismatch,
        "The timesteps of \(sampler.rawValue) are for pivots of independent noise; others need ddim.")
    }
    try InputError.require(
      sampler != .dpmSolver, "The sampler \(sampler.rawValue) has no path to edit: ask for ddim or lcm.")
  }
}
