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
  /// How often each pivot is refined by a fixed-point iteration, one evaluation each.
  ///
  /// Pan et al. 2023.
  public var pivotRefinements = 0
  /// Which part of the picture is inverted, and at what size.
  public var framing = Framing.square

  /// A trajectory for the walk to follow.
  public enum Pivots: Sendable, Hashable {
    /// DDIM inversion under the caption.
    case inversion
    /// The encoded picture with one noise, scaled for every step (the ablation of the paper).
    case random(seed: UInt64)
  }

  /// The published recipe, or another method.
  public init(method: InversionMethod = .nullText()) { self.method = method }

  /// Null-text inversion with ``NullText/fast``: about the same reconstruction for far fewer evaluations.
  public static var fast: InversionOptions { InversionOptions(method: .nullText(.fast)) }

  /// The settings of null-text inversion; nil if the method is another.
  ///
  /// Setting them chooses the method.
  public var nullText: NullText? {
    get { if case .nullText(let settings) = method { settings } else { nil } }
    set { if let newValue { method = .nullText(newValue) } }
  }
}

extension InversionOptions {
  /// Refuses what makes no sense, before any work.
  ///
  /// - Throws: `InputError` with a sentence that says what may be asked for.
  public func validate() throws(InputError) {
    try InputError.require((1...1000).contains(steps), "\(steps) steps: ask for 1 to 1000.")
    try method.walk.validate(steps: steps)
    try GuidedStep.validate(guidance: guidance)
    try InputError.require(
      (0...100).contains(pivotRefinements), "\(pivotRefinements) refinements a pivot: ask for 0 to 100.")
  }
}
