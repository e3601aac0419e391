internal import DiffusionCore
internal import Tensor

/// The state of one new prompt during an edit: its latents, its policy run, its blend and its masks.
final class EditTarget {
  private(set) var latents: [Tensor]
  /// The mask of the last blend, latent height x width; nil before the first blend.
  private(set) var mask: Tensor?

  private let texts: Texts
  private var plan: EditPlan
  private let step: GuidedStep
  private let inversion: Inversion
  private var blendMaps: LocalBlendMaps?
  private let region: Tensor?
  /// Averages the edited attention of this target; nil if no maps are requested.
  private let collector: AttentionMapCollector?

  /// The text contexts that a target's evaluations use.
  struct Texts {
    let prompt: TextContext
    let caption: TextContext
  }

  /// Creates a target after checking all its words, before any evaluation.
  ///
  /// - Parameter step: The network, the sampler and the guidance scale.
  /// - Throws: `InputError` if a word of the blend is missing or the mask is unusable.
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

  /// The next step that this target evaluates.
  var nextStep: Int { latents.count - 1 }

  /// Performs step `index`.
  ///
  /// - Parameters:
  ///   - source: The parts of the source that the plan reads.
  ///   - null: The null embedding of the target's guidance.
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

  /// Returns the latent after the step, from the step rule or from guided sampling with proximal guidance.
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

  /// Returns the network branch for a text in a step, with attention control only if something changes or observes
  /// its attention.
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

  /// Whether a blend or the attention maps need the probabilities at a site.
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
    // Attention that is only observed keeps the layer's own computation, so that requesting maps does not change the
    // image.
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

  /// Adds probabilities to the blend and to the attention maps.
  private func observe(_ probabilities: Tensor, at site: AttentionSite, _ source: SourceAttention) {
    if plan.gathers(site), let original = source.probabilities(at: site) {
      blendMaps?.add(source: original, target: probabilities)
    }
    if let collector, collector.watches(site) { collector.add(probabilities, at: site) }
  }

  /// Applies the policy, the blend and the masks to the latent after a step, and appends it.
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

/// The attention control of one evaluation of one target in one step.
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
