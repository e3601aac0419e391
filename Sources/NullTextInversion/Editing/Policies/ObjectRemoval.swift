public import DiffusionCore
internal import Tensor

/// Removes objects: self-attention inside the region of the given words reads only the rest of the image.
///
/// The region is found like that of a local blend, from the source's cross-attention. In the target's self-attention,
/// in both branches of guidance, the keys and values of the region are left out, so that the region fills with its
/// surroundings. Kept objects would be drawn there again; their regions are therefore left out, too, and attention
/// from the region to their words is set to zero. This is the redirected self-attention of Sun et al. 2025
/// ("Attentive Eraser", arXiv 2412.12974), without the guidance that the paper derives from it. A ``LocalBlend`` of
/// the same words keeps the rest of the image.
public struct ObjectRemoval: EditingPolicy, Hashable {
  /// Words or phrases of the caption that name the objects to remove.
  public var words: [String]
  /// Words of both prompts that name objects which must not replace the removed ones.
  public var keptOut: [String]
  /// The share of the maximum attention above which a place belongs to the region; at least 0 and less than 1.
  public var threshold: Double
  /// The steps in which the region is hidden, except the first step, which finds the region.
  public var steps: StepWindow

  /// Creates settings.
  public init(
    words: [String], keptOut: [String] = [], threshold: Double = 0.3, steps: StepWindow = .all
  ) {
    self.words = words
    self.keptOut = keptOut
    self.threshold = threshold
    self.steps = steps
  }

  /// The share of the maximum attention above which a place belongs to a kept object.
  private static let keptThreshold = 0.5

  private var blend: LocalBlend { LocalBlend(.init(source: words), threshold: threshold) }

  /// Finds the words in the two prompts.
  ///
  /// - Throws: `InputError(.mismatch)` if a word is missing.
  public func begin(_ scene: EditScene) throws -> any EditingRun {
    let crossSites = scene.sites.filter(\.isCross)
    let finest = scene.sites.max { $0.height * $0.width < $1.height * $1.width }
    let grid =
      try finest.map { try LocalBlendGrid(forLatentOf: $0.height, by: $0.width, sites: crossSites) }
      ?? LocalBlendGrid(height: 1, width: 1)
    let keptWords = keptOut.filter { (try? scene.source.tokens(of: $0)) != nil }
    return Run(
      maps: try LocalBlendMaps(blend, source: scene.source, target: scene.target, grid: grid),
      keptMaps: try keptWords.isEmpty
        ? nil
        : LocalBlendMaps(
          LocalBlend(.init(source: keptWords), threshold: Self.keptThreshold), source: scene.source,
          target: scene.target, grid: grid),
      keptOut: try scene.target.tokens(ofAny: keptOut, as: "word to keep out of a removal"),
      steps: steps.steps(of: scene.stepCount))
  }

  /// Checks that there are words and that the threshold is in range.
  public func validate() throws(InputError) {
    try InputError.require(!words.isEmpty, "The removal names no words. Name the objects to remove.")
    try InputError.require(
      (0..<1).contains(threshold),
      "The threshold of the removal is \(threshold), but must be at least 0 and less than 1.")
  }

  private struct Run: EditingRun {
    /// The attention maps of the removed and of the kept objects.
    var maps: LocalBlendMaps
    var keptMaps: LocalBlendMaps?
    /// The target's tokens that the region must not attend to.
    let keptOut: [Int]
    let steps: Range<Int>
    /// The visible positions by site in the current step.
    private var visible: [Int: [Int]] = [:]
    private var step = -1

    init(maps: LocalBlendMaps, keptMaps: LocalBlendMaps?, keptOut: [Int], steps: Range<Int>) {
      (self.maps, self.keptMaps, self.keptOut, self.steps) = (maps, keptMaps, keptOut, steps)
    }

    /// Whether the region is hidden in a step; the first step only finds it.
    private func hides(_ step: Int) -> Bool { step > 0 && steps.contains(step) }

    func role(at site: AttentionSite, in branch: GuidanceBranch, step: Int) -> AttentionRole {
      guard site.isCross else { return hides(step) ? .changes : .untouched }
      guard branch == .conditional else { return .untouched }
      if maps.grid.includes(site) { return .readsSource }
      return hides(step) && !keptOut.isEmpty ? .changes : .untouched
    }

    mutating func change(
      _ own: AttentionInputs, source: SourceAttention, in branch: GuidanceBranch, step: Int
    )
      -> AttentionChange?
    {
      if step != self.step { (self.step, visible) = (step, [:]) }
      guard own.site.isCross else {
        let places = places(visibleAt: own.site)
        guard !places.isEmpty, places.count < own.key.shape[0] else { return nil }
        return .inputs(query: own.query, key: own.key.rows(places), value: own.value.rows(places))
      }
      let probabilities = hides(step) && !keptOut.isEmpty ? keepingOut(own) : nil
      if maps.grid.includes(own.site), let original = source.probabilities(at: own.site) {
        maps.add(source: original, target: original)
        keptMaps?.add(source: original, target: original)
      }
      return probabilities.map(AttentionChange.probabilities)
    }

    /// Returns the target's probabilities with the kept-out tokens set to zero inside the region and the rest
    /// renormalized.
    private func keepingOut(_ own: AttentionInputs) -> Tensor {
      let outside = Set(outside(at: own.site))
      var probabilities = own.probabilities()
      let (heads, positions, tokens) = probabilities.shape3
      probabilities.withMutableScalars { scalars in
        for head in 0..<heads {
          for position in 0..<positions where !outside.contains(position) {
            let row = (head * positions + position) * tokens
            for token in keptOut { scalars[row + token] = 0 }
            let rest = scalars[row..<row + tokens].reduce(0, +)
            // Without other tokens, all attention goes to the start token, which carries the attention to no word.
            if rest < 1e-6 { scalars[row] = 1 }
            for token in 0..<tokens where rest >= 1e-6 { scalars[row + token] /= rest }
          }
        }
      }
      return probabilities
    }

    /// Returns the positions outside the region and the kept objects, or outside the region only if the kept objects
    /// leave none.
    private mutating func places(visibleAt site: AttentionSite) -> [Int] {
      if let known = visible[site.index] { return known }
      let outside = self.outside(at: site)
      let kept = keptMaps?.mask(height: site.height, width: site.width).scalars
      let background = outside.filter { kept?[$0] != 1 }
      let places = background.isEmpty ? outside : background
      visible[site.index] = places
      return places
    }

    private func outside(at site: AttentionSite) -> [Int] {
      let mask = maps.mask(height: site.height, width: site.width).scalars
      return mask.indices.filter { mask[$0] == 0 }
    }
  }
}

extension Tensor {
  /// Returns the given rows of a matrix, in the given order.
  fileprivate func rows(_ indices: [Int]) -> Tensor {
    let (_, columns) = shape2
    return withScalars { scalars in
      Tensor(shape: [indices.count, columns]) { result in
        for (row, index) in indices.enumerated() {
          for column in 0..<columns { result[row * columns + column] = scalars[index * columns + column] }
        }
      }
    }
  }
}
