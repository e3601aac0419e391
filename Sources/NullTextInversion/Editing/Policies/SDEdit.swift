/// SDEdit: only the last part of the trajectory is sampled with the new prompt.
///
/// Source: Meng et al. 2022, arXiv 2108.01073; here it starts from the inverted trajectory instead of added noise.
public struct SDEdit: EditingPolicy, Hashable {
  /// The share of the steps that is sampled with the new prompt, 0 to 1.
  public var strength: Double

  /// Creates a policy that samples the last `strength` of the steps.
  public init(strength: Double) { self.strength = strength }

  /// Computes the first sampled step.
  public func begin(_ scene: EditScene) throws -> any EditingRun {
    Run(firstStep: scene.stepCount - Int(strength * Double(scene.stepCount)))
  }

  /// Validates the strength: 0 to 1.
  public func validate() throws(InputError) {
    try InputError.require(
      (0...1).contains(strength), "The strength is \(strength), but must be between 0 and 1.")
  }

  private struct Run: EditingRun { let firstStep: Int }
}

/// No attention control: sampling with the new prompt alone.
struct NoControl: EditingPolicy {
  func begin(_ scene: EditScene) throws -> any EditingRun { Run() }

  private struct Run: EditingRun {}
}
