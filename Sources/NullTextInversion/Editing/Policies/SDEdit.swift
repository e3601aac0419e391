/// The new prompt walks only the last part of the path.
///
/// SDEdit: Meng et al. 2022, arXiv 2108.01073, on the inverted trajectory instead of added noise.
public struct SDEdit: EditingPolicy, Hashable {
  /// The part of the steps that the new prompt walks, from 0 to 1.
  public var strength: Double

  /// A start before the last `strength` of the steps.
  public init(strength: Double) { self.strength = strength }

  /// Works out the first step.
  public func begin(_ scene: EditScene) throws -> any EditingRun {
    Run(firstStep: scene.stepCount - Int(strength * Double(scene.stepCount)))
  }

  /// Refuses a strength that makes no sense.
  public func validate() throws(InputError) {
    try InputError.require((0...1).contains(strength), "a strength of \(strength): ask for 0 to 1.")
  }

  private struct Run: EditingRun { let firstStep: Int }
}

/// No control: the new prompt alone walks the path.
struct NoControl: EditingPolicy {
  func begin(_ scene: EditScene) throws -> any EditingRun { Run() }

  private struct Run: EditingRun {}
}
