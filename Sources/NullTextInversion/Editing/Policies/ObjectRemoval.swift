public import DiffusionCore
internal import Tensor

/// Takes things out of the picture: where words of the caption look, the picture may look only at the rest of itself.
///
/// The region of the words is found as a local blend finds it, from the source's cross-attention. In the target's self-attention, in
/// both evaluations of a guided step, the keys and values of the region are left out, so that it fills up with what is around
/// it. Things that stay would be drawn there again, so their region is left out as well, and their words may not look there. This is
/// the self-attention redirection of Sun et al. 2025 ("Attentive Eraser", arXiv 2412.12974) without its search
/// for a direction. A ``LocalBlend`` of the same words keeps the rest of the picture.
public struct ObjectRemoval: EditingPolicy, Hashable {
  /// Words of the caption, or groups of words that follow each other, whose things are to go.
  public var words: [String]
  /// Words of both prompts whose things are not to come in the place of what goes.
  public var keptOut: [String]
  /// The share of its maximum that the words' attention must exceed; 0 to below 1.
  public var threshold: Double
  /// The steps in which the region is hidden; the first step is needed to find it.
  public var steps: StepWindow

  /// Settings.
  public init(
    words: [String], keptOut: [String] = [], threshold: Double = 0.3, steps: StepWindow = .all
  ) {
    self.words = words
    self.keptOut = keptOut
    self.threshold = threshold
    self.steps = steps
  }

  /// The share of its maximum from which on a word that stays looks at a place.
  private static let keptThreshold = 0.5

  private var blend: LocalBlend { LocalBlend(.init(source: words), threshold: threshold) }

  /// Looks for the words in the two prompts.
  ///
  /// - Throws: `InputError(.mismatch)` if one is not there.
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

  /// Refuses no words, or a threshold that makes no sense.
  public func validate() throws(InputError) {
    try InputError.require(!words.isEmpty, "A removal names no words: name what is to go.")
    try InputError.require(
      (0..<1).contains(threshold), "a threshold of a removal of \(threshold): ask for 0 to below 1.")
  }

  private struct Run: EditingRun {
    /// Where what goes is, and where what stays.
    var maps: LocalBlendMaps
    var keptMaps: LocalBlendMaps?
    /// Tokens of the target.
    let keptOut: [Int]
    let steps: Range<Int>
    /// The positions that may be looked at, by sites, in the step that is under way.
    private var visible: [Int: [Int]] = [:]
    private var step = -1

    init(maps: LocalBlendMaps, keptMaps: LocalBlendMaps?, keptOut: [Int], steps: Range<Int>) {
      (self.maps, self.keptMaps, self.keptOut, self.steps) = (maps, keptMaps, keptOut, steps)
    }

    /// Whether the region is hidden: it is found in the first step.
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

    /// The target's probabilities without the words that are kept out, in the region; the others share what they had.
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
            // The start token is where attention goes that has no word to look at.
            if rest < 1e-6 { scalars[row] = 1 }
            for token in 0..<tokens where rest >= 1e-6 { scalars[row + token] /= rest }
          }
        }
      }
      return probabilities
    }

    /// The positions outside of the region and of the things that stay; outside of the region if these are everywhere.
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
  /// Some rows of a matrix, in their order.
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
