internal import DiffusionCore
internal import Tensor

/// The target's self-attention reads the source's keys and values, for changes of pose.
///
/// MasaCtrl: Cao et al. 2023, arXiv 2304.08465.
public struct MasaCtrl: EditingPolicy, Hashable {
  /// The part of the steps before it begins.
  public var start: Double
  /// The first transformer block that it acts on.
  public var firstLayer: Int
  /// The side of the largest grid that it acts on, as it is at the model's own size; nil for all.
  public var largestGrid: Int?

  /// Settings.
  public init(start: Double = 0.08, firstLayer: Int = 0, largestGrid: Int? = nil) {
    self.start = start
    self.firstLayer = firstLayer
    self.largestGrid = largestGrid
  }

  /// Works out the first step.
  public func begin(_ scene: EditScene) throws -> any EditingRun {
    Run(
      firstActiveStep: Int(start * Double(scene.stepCount)), firstLayer: firstLayer,
      largestGrid: largestGrid)
  }

  /// Refuses a start, a layer or a grid that makes no sense.
  public func validate() throws(InputError) {
    try InputError.require(
      (0...1).contains(start) && firstLayer >= 0,
      "mutual self-attention from \(start) at layer \(firstLayer): ask for 0 to 1, from 0.")
    guard let largestGrid else { return }
    try InputError.require(
      (1...4096).contains(largestGrid),
      "mutual self-attention up to a grid of \(largestGrid): ask for 1 to 4096.")
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
