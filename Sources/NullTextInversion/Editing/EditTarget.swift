internal import DiffusionCore
internal import Tensor

/// One new prompt on its way through the steps: what it does to the attention, and what to its latents.
final class EditTarget {
  let context: TextContext
  private(set) var latents: [Tensor]
  /// The mask of the last blend, height x width of the latent; nil before the first.
  private(set) var mask: Tensor?

  private let options: EditOptions
  private let edit: AttentionEdit?
  private var blendMaps: LocalBlendMaps?
  private let region: Tensor?
  private let stepCount: Int
  private let sites: [AttentionSite]
  /// Averages this target's attention as edited, if somebody wants to see it.
  private let collector: AttentionMapCollector?

  /// Checks all words, before any evaluation.
  ///
  /// - Parameters:
  ///   - sites: all attentions of the network, for latents of this size.
  init(
    _ prompt: TokenizedPrompt, context: TextContext, source: TokenizedPrompt, inversion: Inversion,
    options: EditOptions, sites: [AttentionSite], collector: AttentionMapCollector? = nil
  ) throws {
    self.context = context
    self.collector = collector
    self.options = options
    self.sites = sites
    stepCount = inversion.stepCount
    latents = [inversion.trajectory[0]]
    let (height, width, _) = inversion.latent.shape3
    let (sourceWords, targetWords) = (PromptWords(source), PromptWords(prompt))
    let controlsWords = options.control == .promptToPrompt
    edit =
      controlsWords
      ? try AttentionEdit(
        from: sourceWords, to: targetWords, controller: options.controller, steps: stepCount,
        crossWindow: options.crossSteps, wordWindows: options.crossStepsOfWords,
        selfWindow: options.selfSteps,
        selfLimit: options.selfGrid * options.selfGrid, emphasis: options.emphasis) : nil
    guard controlsWords || options.emphasis.isEmpty && options.crossStepsOfWords.isEmpty else {
      throw InputError(.mismatch, "Emphasis and windows of words need prompt-to-prompt control.")
    }
    blendMaps = try options.blend.map {
      let grid = try LocalBlendGrid(forLatentOf: height, by: width, sites: sites.filter(\.isCross))
      return try LocalBlendMaps($0, source: sourceWords, target: targetWords, grid: grid)
    }
    region = try options.mask?.latentMask(height: height, width: width, inversion: inversion)
    if case .lateStart(let strength) = options.control {
      let start = stepCount - Int(strength * Double(stepCount))
      latents = Array(inversion.trajectory[...start])
    }
  }

  /// The first step that this target walks by itself.
  var firstStep: Int { latents.count - 1 }

  /// The sites whose attention under the source's caption is read in step `index`.
  func sourceSites(in index: Int) -> Set<Int> {
    Set(sites.filter { readsSource(at: $0, in: index) || gathers($0) }.map(\.index))
  }

  /// The sites whose attention under the source's null embedding is read in step `index`.
  func nullSourceSites(in index: Int) -> Set<Int> {
    Set(sites.filter { sharesValues(at: $0, in: index) }.map(\.index))
  }

  private func readsSource(at site: AttentionSite, in index: Int) -> Bool {
    if let edit {
      return site.isCross
        ? edit.readsSource(step: index)
        : edit.replacesSelfAttention(step: index, positions: site.height * site.width)
    }
    return sharesValues(at: site, in: index)
  }

  private func sharesValues(at site: AttentionSite, in index: Int) -> Bool {
    guard case .mutualSelfAttention(let start, let firstLayer, let grid) = options.control else {
      return false
    }
    return !site.isCross && index >= Int(start * Double(stepCount)) && site.index / 2 >= firstLayer
      && site.height * site.width <= grid.map { $0 * $0 } ?? .max
  }

  private func gathers(_ site: AttentionSite) -> Bool {
    site.isCross && blendMaps?.grid.includes(site) == true
  }

  /// The control of the conditional evaluation in step `index`; nil if nothing is controlled.
  func control(in index: Int, source: SourceAttention?) -> TargetControl? {
    let changes = edit?.changesCrossAttention(step: index) ?? false
    guard source != nil || changes || collector != nil else { return nil }
    return TargetControl(target: self, step: index, source: source ?? SourceAttention([:]))
  }

  /// Whether the control of step `index` acts on the first self-attention, where the stem ends.
  func controlsStem(in index: Int) -> Bool {
    sites.first.map { readsSource(at: $0, in: index) || collector?.watches($0) == true } ?? false
  }

  /// The control of the evaluation under the null embedding in step `index`.
  func nullControl(in index: Int, source: SourceAttention?) -> (any AttentionControl)? {
    source.map { MutualSelfAttention(source: $0) }
  }

  fileprivate func attend(
    _ site: AttentionSite, _ attention: Attention, in index: Int, source: SourceAttention, query: Tensor,
    key: Tensor,
    value: Tensor
  ) -> Tensor? {
    guard site.isCross else {
      var (query, key, value) = (query, key, value)
      if readsSource(at: site, in: index) {
        let record = source[site]
        // Replacing the probabilities is asking with the source's queries and keys for one's own values.
        (query, key, value) =
          edit == nil ? (query, record.key, record.value) : (record.query, record.key, value)
      } else if collector?.watches(site) != true {
        return nil
      }
      return collector?.attend(site, attention, query: query, key: key, value: value)
        ?? attention(query: query, key: key, value: value)
    }
    let changes = edit?.changesCrossAttention(step: index) ?? false
    guard changes || gathers(site) || collector != nil else { return nil }
    var probabilities = attention.probabilities(query: query, key: key)
    if let edit, changes {
      let original = edit.readsSource(step: index) ? source.probabilities(at: site, attention) : probabilities
      probabilities = edit.crossAttention(source: original, target: probabilities, step: index)
    }
    if gathers(site) {
      blendMaps?.add(source: source.probabilities(at: site, attention), target: probabilities)
    }
    collector?.add(probabilities, at: site)
    return attention.mix(probabilities, value)
  }

  /// Takes the latent that a step led to, and puts the source's back where nothing is to change.
  ///
  /// - Parameter source: the source's latent after the step.
  func advance(to latent: Tensor, after index: Int, source: Tensor) {
    var latent = latent
    let (height, width, _) = latent.shape3
    if let maps = blendMaps, maps.blend.isActive(step: index, of: stepCount) {
      let found = maps.mask(height: height, width: width)
      mask = found
      latent = LocalBlendMaps.blended(target: latent, source: source, mask: found)
    }
    if options.spatialReplace?.isActive(step: index, of: stepCount) == true { latent = source }
    if let region { latent = LocalBlendMaps.blended(target: latent, source: source, mask: region) }
    latents.append(latent)
    collector?.finishStep()
  }
}

/// Acts on the conditional evaluation of one target in one step.
struct TargetControl: AttentionControl {
  let target: EditTarget
  let step: Int
  let source: SourceAttention

  func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
    -> Tensor?
  {
    target.attend(site, attention, in: step, source: source, query: query, key: key, value: value)
  }
}

/// Reads the source's keys and values wherever they were recorded.
struct MutualSelfAttention: AttentionControl {
  let source: SourceAttention

  func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
    -> Tensor?
  {
    guard !site.isCross, let record = source.records[site.index] else { return nil }
    return attention(query: query, key: record.key, value: record.value)
  }
}
