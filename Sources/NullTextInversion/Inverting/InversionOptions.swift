public import DiffusionCore

/// The options of an inversion.
///
/// The defaults are those of the published method. The type is Codable; keys that a stored form omits have the
/// default values.
///
/// ```swift
/// var options = InversionOptions.fast
/// options.steps = 20
/// options.method = .nullText(NullText(innerSteps: 5))
/// ```
public struct InversionOptions: Sendable, Hashable {
  /// The method that computes the null embeddings.
  public var method: InversionMethod
  /// The number of sampling steps T, 1 to 1000.
  public var steps = 50
  /// The guidance scale of the reconstruction, 0 to 100.
  public var guidance = 7.5
  /// The source of the pivots.
  public var pivots = Pivots.inversion
  /// The sampler that defines the timesteps: DDIM, or LCM for pivots of independent noise.
  public var sampler = SamplerName.ddim
  /// The maximum number of fixed-point iterations per pivot, 0 to 100; each takes one evaluation, or two with
  /// guidance.
  ///
  /// Source: Pan et al. 2023.
  public var pivotRefinements = 0
  /// The mean squared change of a pivot below which its fixed-point iterations stop; nil for no early stop.
  ///
  /// Li et al. 2024 (SPDInv) use 5e-6.
  public var pivotTolerance: Double?
  /// The guidance scale of the DDIM inversion; at 1 only the caption is evaluated.
  ///
  /// SimInversion uses 0.5.
  public var pivotGuidance = 1.0
  /// Mixing of each pivot with the previous one in a window of the inversion steps; nil for none.
  public var easyInv: EasyInv?
  /// The crop and the size of the image for the model.
  public var framing = Framing.square

  /// The source of the pivot latents.
  public enum Pivots: Sendable, Hashable {
    /// DDIM inversion with the caption.
    case inversion
    /// The encoded image with independent noise at each level, drawn from the noisiest level down; it takes no
    /// evaluations.
    ///
    /// Edit-friendly inversion uses these pivots (Huberman-Spiegelglas et al. 2024); so does InfEdit, at LCM
    /// timesteps (Xu et al. 2024). Each seed gives another trajectory and therefore another edit.
    case independentNoise(seed: UInt64)
    /// The encoded image with one noise sample, scaled for every step: an ablation of the null-text paper.
    case random(seed: UInt64)
  }

  /// Creates the published options with a given method.
  public init(method: InversionMethod = .nullText()) { self.method = method }

  /// Null-text inversion with ``NullText/fast`` in 16 steps: a seventh of the published number of evaluations.
  public static var fast: InversionOptions {
    var options = InversionOptions(method: .nullText(.fast))
    options.steps = 16
    return options
  }

  /// The settings of null-text inversion; nil if another method is selected.
  ///
  /// Setting a value selects null-text inversion.
  public var nullText: NullText? {
    get { if case .nullText(let settings) = method { settings } else { nil } }
    set { if let newValue { method = .nullText(newValue) } }
  }
}

extension InversionOptions {
  /// The seed of the pivots' independent noise; nil for other pivots.
  package var noiseSeed: UInt64? { if case .independentNoise(let seed) = pivots { seed } else { nil } }

  /// The default step rule for edits with these pivots.
  var stepRule: StepRule { noiseSeed == nil ? .guided : .difference() }

  /// Validates the options before any computation.
  ///
  /// - Throws: `InputError` that names the invalid option and its valid range.
  public func validate() throws(InputError) {
    try InputError.require(
      (1...1000).contains(steps), "The number of steps is \(steps), but must be between 1 and 1000.")
    try method.walk.validate(steps: steps)
    try GuidedStep.validate(guidance: guidance)
    try GuidedStep.validate(guidance: pivotGuidance)
    try validatePivots()
  }

  private func validatePivots() throws(InputError) {
    try InputError.require(
      (0...100).contains(pivotRefinements),
      "The number of pivot refinements is \(pivotRefinements), but must be between 0 and 100.")
    if let pivotTolerance {
      try InputError.require(
        pivotTolerance.isFinite && pivotTolerance >= 0,
        "The pivot tolerance is \(pivotTolerance), but must be zero or a small positive number.")
    }
    try easyInv?.validate()
    if noiseSeed != nil {
      guard method == .direct else {
        throw InputError(
          .mismatch,
          "Pivots of independent noise need the method direct, not \(method.name.rawValue)."
        )
      }
    } else if sampler != .ddim {
      throw InputError(
        .mismatch,
        "The sampler \(sampler.rawValue) needs pivots of independent noise. Use ddim for other pivots.")
    }
    try InputError.require(
      sampler != .dpmSolver, "The sampler \(sampler.rawValue) does not support inversions. Use ddim or lcm.")
  }
}
