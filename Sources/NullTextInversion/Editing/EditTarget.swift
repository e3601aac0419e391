internal import DiffusionCore
internal import Tensor

/// One new prompt on its way through the steps: its latents, its policy at work, and what keeps the source in place.
final class EditTarget {
  private(set) var latents: [Tensor]
  /// The mask of the last blend, height x width of the latent; nil before the first.
  private(set) var mask: Tensor?

  private let context: TextContext
  private var run: any EditingRun
  private var step: GuidedStep
  private let options: EditOptions
  private var blendMaps: LocalBlendMaps?
  private let region: Tensor?
  private let scene: EditScene
  /// Averages this target's attention as edited, if somebody wants to see it.
  private let collector: AttentionMapCollector?

  /// Checks all words, before any evaluation.
  ///
  /// - Parameters:
  ///   - context: of the new prompt.
  ///   - step: makes the target's steps, its sampler at the beginning.
  init(
    _ scene: EditScene, policy: any EditingPolicy, context: TextContext, step: GuidedStep,
    inversion: Inversion, options: EditOptions, collector: AttentionMapCollector? = nil
  ) throws {
    self.scene = scene
    self.context = context
    self.step = step
    self.options = options
    self.collector = collector
    run = try policy.begin(scene)
    let (height, width, _) = inversion.latent.shape3
    blendMaps = try options.blend.map {
      blend in
      let grid =
        try blend.grid.map { try LocalBlendGrid(width: $0, sites: scene.sites) }
        ?? LocalBlendGrid(forLatentOf: height, by: width, sites: scene.sites.filter(\.isCross))
      return try LocalBlendMaps(blend, source: scene.source, target: scene.target, grid: grid)
    }
    region = try options.mask?.latentMask(height: height, width: width, inversion: inversion)
    latents = Array(inversion.trajectory[...min(max(0, run.firstStep), scene.stepCount)])
  }

  /// The next step that this target walks by itself.
  var nextStep: Int { latents.count - 1 }

  /// The sites whose attention in the source is read in step `index`.
  func sourceSites(in branch: GuidanceBranch, step index: Int) -> Set<Int> {
    Set(
      scene.sites.filter {
        run.role(at: $0, in: branch, step: index) == .readsSource || branch == .conditional && gathers($0)
      }.map(\.index))
  }

  private func gathers(_ site: AttentionSite) -> Bool {
    site.isCross && blendMaps?.grid.includes(site) == true
  }

  /// Makes step `index`.
  ///
  /// - Parameters:
  ///   - conditional: the source's attention under its caption, where it is read.
  ///   - unconditional: the source's attention under its null embedding, where it is read.
  ///   - null: the step's null embedding.
  ///   - next: the source's latent after the step.
  ///   - pivot: the source's pivot after the step.
  func advance(
    _ index: Int, conditional: SourceAttention, unconditional: SourceAttention, null: TextContext,
    source next: Tensor, pivot: Tensor
  ) throws {
    let latent = latents[index]
    let text = branch(.conditional, context, source: conditional, step: index)
    let null = branch(.unconditional, null, source: unconditional, step: index)
    guard let proximal = options.proximal else {
      return try finish(step(index, from: latent, null: null, text: text), after: index, source: next)
    }
    var unchanged: Tensor?
    let guidance = step.guidance
    var result = try step(index, from: latent, null: null, text: text) {
      let (prediction, kept) = proximal.guided(null: $0, text: $1, guidance: guidance)
      unchanged = kept
      return prediction
    }
    if let unchanged, proximal.pullsBack(step: index, of: scene.stepCount) {
      result = proximal.pulledBack(result, to: pivot, unchanged: unchanged)
    }
    try finish(result, after: index, source: next)
  }

  /// One evaluation of a step, with a control if anything acts on its attention.
  private func branch(
    _ branch: GuidanceBranch, _ context: TextContext, source: SourceAttention, step index: Int
  ) -> GuidedStep.Branch {
    guard scene.sites.contains(where: { acts(on: $0, in: branch, step: index) }) else {
      return GuidedStep.Branch(context: context)
    }
    let control = TargetControl(target: self, branch: branch, step: index, source: source)
    // The stem ends with the first self-attention.
    let controlsStem = scene.sites.first.map { acts(on: $0, in: branch, step: index) } ?? false
    return GuidedStep.Branch(context: context, control: control, controlsStem: controlsStem)
  }

  private func acts(on site: AttentionSite, in branch: GuidanceBranch, step index: Int) -> Bool {
    run.role(at: site, in: branch, step: index) != .untouched || watches(site, in: branch)
  }

  /// Whether the probabilities at a site are wanted for a blend or for maps.
  private func watches(_ site: AttentionSite, in branch: GuidanceBranch) -> Bool {
    branch == .conditional && (gathers(site) || collector?.watches(site) == true)
  }

  fileprivate func attend(
    _ own: AttentionInputs, in branch: GuidanceBranch, step index: Int, source: SourceAttention
  ) -> Tensor? {
    let isWatched = watches(own.site, in: branch)
    let change =
      run.role(at: own.site, in: branch, step: index) == .untouched
      ? nil : run.change(own, source: source, in: branch, step: index)
    // What is only watched is computed as if nobody watched, so that maps come with the same picture.
    switch change {
    case nil:
      if isWatched { observe(own.probabilities(), at: own.site, source) }
      return nil
    case .probabilities(let probabilities):
      observe(probabilities, at: own.site, source)
      return own.attention.mix(probabilities, own.value)
    case .inputs(let query, let key, let value):
      if isWatched {
        observe(own.attention.probabilities(query: query, key: key), at: own.site, source)
      }
      return own.attention(query: query, key: key, value: value)
    }
  }

  /// Lets the blend and the maps take note of probabilities.
  private func observe(_ probabilities: Tensor, at site: AttentionSite, _ source: SourceAttention) {
    if gathers(site), let original = source.probabilities(at: site) {
      blendMaps?.add(source: original, target: probabilities)
    }
    if let collector, collector.watches(site) { collector.add(probabilities, at: site) }
  }

  /// Takes the latent that a step led to, and puts the source's back where nothing is to change.
  private func finish(_ latent: Tensor, after index: Int, source: Tensor) throws(InputError) {
    var latent = run.latent(latent, source: source, after: index)
    let (height, width, _) = latent.shape3
    if let maps = blendMaps, maps.blend.isActive(step: index, of: scene.stepCount) {
      let found = maps.mask(height: height, width: width)
      mask = found
      latent = LocalBlendMaps.blended(target: latent, source: source, mask: found)
    }
    if options.spatialReplace?.isActive(step: index, of: scene.stepCount) == true { latent = source }
    if let region { latent = LocalBlendMaps.blended(target: latent, source: source, mask: region) }
    latents.append(
      try latent.requireFinite("The edit's latent after step \(index + 1) of \(scene.stepCount)"))
    collector?.finish(step: index)
  }
}

/// Acts on one evaluation of one target in one step.
private struct TargetControl: AttentionControl {
  let target: EditTarget
  let branch: GuidanceBranch
  let step: Int
  let source: SourceAttention

  func attend(_ site: AttentionSite, _ attention: Attention, query: Tensor, key: Tensor, value: Tensor)
    -> Tensor?
  {
    let own = AttentionInputs(site: site, attention: attention, query: query, key: key, value: value)
    return target.attend(own, in: branch, step: step, source: source)
  }
}
