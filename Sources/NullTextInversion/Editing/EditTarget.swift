internal import DiffusionCore
internal import Tensor

/// One new prompt on its way through the steps: its latents, its policy at work, and what keeps the source in place.
final class EditTarget {
  private(set) var latents: [Tensor]
  /// The mask of the last blend, height x width of the latent; nil before the first.
  private(set) var mask: Tensor?

  private let texts: Texts
  private var plan: EditPlan
  private let step: GuidedStep
  private let inversion: Inversion
  private var blendMaps: LocalBlendMaps?
  private let region: Tensor?
  /// Averages this target's attention as edited, if somebody wants to see it.
  private let collector: AttentionMapCollector?

  /// The texts that a target's evaluations read.
  struct Texts {
    let prompt: TextContext
    let caption: TextContext
  }

  /// Checks all words, before any evaluation.
  ///
  /// - Parameter step: has the network, the sampler and the strength of guidance.
  init(
    _ plan: EditPlan, texts: Texts, step: GuidedStep, inversion: Inversion,
    collector: AttentionMapCollector? = nil
  ) throws {
    self.plan = plan
    self.texts = texts
    self.step = step
    self.inversion = inversion
    self.collector = collector
    if let blend = plan.options.blend, let grid = plan.blendGrid {
      blendMaps = try LocalBlendMaps(blend, source: plan.scene.source, target: plan.scene.target, grid: grid)
    }
    let (height, width, _) = inversion.latent.shape3
    region = try plan.options.mask?.latentMask(height: height, width: width, inversion: inversion)
    latents = Array(inversion.trajectory[...plan.firstStep])
  }

  /// The next step that this target walks by itself.
  var nextStep: Int { latents.count - 1 }

  /// Makes step `index`.
  ///
  /// - Parameters:
  ///   - source: as far as the plan reads it.
  ///   - null: the null embedding that the target is guided away from.
  func advance(_ index: Int, source: SourceStep, null: TextContext) throws {
    let step = TargetStep(
      index: index, latent: latents[index], source: source, guidance: step.guidance, sampler: step.sampler,
      variance: inversion.variance(ofStep: index, step.sampler),
      outputs: { [self, predictor = step.predictor] texts, latent, timestep in
        try predictor.predictions(latent, at: timestep, texts.map { branch($0, source, null, step: index) })
          .map(\.value)
      })
    try finish(landing(step), after: index, source: source.next)
  }

  /// The latent that the rule leads to; proximal guidance is the guided rule's.
  private func landing(_ step: TargetStep) throws -> Tensor {
    guard let proximal = plan.options.proximal else { return try plan.rule.latent(after: step) }
    var unchanged: Tensor?
    let result = try GuidedRule().latent(after: step) {
      let (prediction, kept) = proximal.guided(null: $0, text: $1, guidance: step.guidance)
      unchanged = kept
      return prediction
    }
    guard let unchanged, proximal.pullsBack(step: step.index, of: plan.scene.stepCount) else { return result }
    return proximal.pulledBack(result, to: step.source.pivot, unchanged: unchanged)
  }

  /// The evaluation of a text in a step, with a control if anything acts on its attention.
  private func branch(
    _ text: PredictedText, _ source: SourceStep, _ null: TextContext, step index: Int
  ) -> NoisePredictor.Branch {
    func controlled(_ branch: GuidanceBranch, _ context: TextContext, _ attention: SourceAttention)
      -> NoisePredictor.Branch
    {
      guard plan.scene.sites.contains(where: { acts(on: $0, in: branch, step: index) }) else {
        return NoisePredictor.Branch(context: context)
      }
      // The stem ends with the first self-attention.
      let controlsStem = plan.scene.sites.first.map { acts(on: $0, in: branch, step: index) } ?? false
      return NoisePredictor.Branch(
        context: context,
        control: TargetControl(target: self, branch: branch, step: index, source: attention),
        controlsStem: controlsStem)
    }
    return switch text {
    case .null: controlled(.unconditional, null, source.unconditional)
    case .prompt: controlled(.conditional, texts.prompt, source.conditional)
    case .caption: NoisePredictor.Branch(context: texts.caption)
    }
  }

  private func acts(on site: AttentionSite, in branch: GuidanceBranch, step index: Int) -> Bool {
    plan.run.role(at: site, in: branch, step: index) != .untouched || watches(site, in: branch)
  }

  /// Whether the probabilities at a site are wanted for a blend or for maps.
  private func watches(_ site: AttentionSite, in branch: GuidanceBranch) -> Bool {
    branch == .conditional && (plan.gathers(site) || collector?.watches(site) == true)
  }

  fileprivate func attend(
    _ own: AttentionInputs, in branch: GuidanceBranch, step index: Int, source: SourceAttention
  ) -> Tensor? {
    let isWatched = watches(own.site, in: branch)
    let change =
      plan.run.role(at: own.site, in: branch, step: index) == .untouched
      ? nil : plan.run.change(own, source: source, in: branch, step: index)
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
    if plan.gathers(site), let original = source.probabilities(at: site) {
      blendMaps?.add(source: original, target: probabilities)
    }
    if let collector, collector.watches(site) { collector.add(probabilities, at: site) }
  }

  /// Takes the latent that a step led to, and puts the source's back where nothing is to change.
  private func finish(_ latent: Tensor, after index: Int, source: Tensor) throws(InputError) {
    var latent = plan.run.latent(latent, source: source, after: index)
    let (height, width, _) = latent.shape3
    if let maps = blendMaps, maps.blend.isActive(step: index, of: plan.scene.stepCount) {
      let found = maps.mask(height: height, width: width)
      mask = found
      latent = LocalBlendMaps.blended(target: latent, source: source, mask: found)
    }
    if plan.options.spatialReplace?.isActive(step: index, of: plan.scene.stepCount) == true {
      latent = source
    }
    if let region { latent = LocalBlendMaps.blended(target: latent, source: source, mask: region) }
    latents.append(
      try latent.requireFinite("The edit's latent after step \(index + 1) of \(plan.scene.stepCount)"))
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
