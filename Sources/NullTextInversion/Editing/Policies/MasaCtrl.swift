internal import DiffusionCore
internal import Tensor

/// MasaCtrl: the target's self-attention uses the source's keys and values, which allows changes of pose.
///
/// Source: Cao et al. 2023, arXiv 2304.08465.
public struct MasaCtrl: EditingPolicy, Hashable {
  /// The share of the steps before the control begins; 0 to 1.
  public var start: Double
  /// The index of the first transformer block that is controlled, from 0.
  public var firstLayer: Int
  /// The side length of the largest controlled grid, at the model's own size; nil for all grids.
  public var largestGrid: Int?

  /// Creates settings.
  public init(start: Double = 0.08, firstLayer: Int = 0, largestGrid: Int? = nil) {
    self.start = start
    self.firstLayer = firstLayer
    self.largestGrid = largestGrid
  }

  /// Computes the first controlled step.
  public func begin(_ scene: EditScene) throws -> any EditingRun {
    Run(
      firstActiveStep: Int(start * Double(scene.stepCount)), firstLayer: firstLayer,
      largestGrid: largestGrid)
  }

  /// Validates the start, the layer and the grid.
  public func validate() throws(InputError) {
    try InputError.require(
      (0...1).contains(start) && firstLayer >= 0,
      "MasaCtrl starts at \(start) and layer \(firstLayer): the start must be between 0 and 1, the layer 0 or more."
    )
    guard let largestGrid else { return }
    try InputError.require(
      (1...4096).contains(largestGrid),
      "The largest grid of MasaCtrl is \(largestGrid), but must be between 1 and 4096.")
  }

  private struct Run: EditingRun {
    let firstActiveStep: Int
    let firstLayer: Int
    let largestGrid: Int?

    func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
      !site.isCross && step >= firstActiveStep && site.index / 2 >= firstLayer
        && largestGrid.map(site.isWithin(nominalSide:)) ?? true ? .readsSource : .untouched
    }

    func change(_ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int)
      -> AttentionChange?
    {
      source.inputs(at: own.site).map { .inputs(query: own.query, key: $0.key, value: $0.value) }
    }
  }
}
