internal import DiffusionCore

/// What the edit of one prompt reads and evaluates in each step, computed before any evaluation.
struct EditPlan {
  let scene: EditScene
  let options: EditOptions
  let rule: any TargetStepMaker
  /// The policy's state for this edit.
  var run: any EditingRun
  /// The grid of the attention maps that the local blend collects; nil without a blend.
  let blendGrid: LocalBlendGrid?

  /// Creates a plan.
  ///
  /// - Parameters:
  ///   - rule: The default step rule, used if the options have none.
  ///   - policy: The editing policy; nil for the control of the options.
  /// - Throws: `InputError` if the options do not fit the prompts or the network.
  init(
    _ scene: EditScene, _ options: EditOptions, rule: StepRule, policy: (any EditingPolicy)? = nil,
    latent: (height: Int, width: Int)
  ) throws {
    let rule = options.stepRule ?? rule
    self.scene = scene
    self.options = options
    self.rule = rule.maker
    guard options.proximal == nil || rule == .guided else {
      throw InputError(
        .mismatch, "Proximal guidance needs the step rule guided. Remove one of the two options.")
    }
    run = try (policy ?? options.control.policy).begin(scene)
    blendGrid = try options.blend.map { blend in
      try blend.grid.map { try LocalBlendGrid(width: $0, sites: scene.sites) }
        ?? LocalBlendGrid(forLatentOf: latent.height, by: latent.width, sites: scene.sites.filter(\.isCross))
    }
  }

  /// The first step that is sampled for the target.
  var firstStep: Int { min(max(0, run.firstStep), scene.stepCount) }

  /// Whether the blend collects the maps of a site.
  func gathers(_ site: AttentionSite) -> Bool { site.isCross && blendGrid?.includes(site) == true }

  /// Returns what step `index` reads of the source.
  func reading(step index: Int) -> SourceReading {
    func sites(_ branch: GuidanceBranch) -> Set<Int> {
      Set(
        scene.sites.filter {
          run.role(at: $0, in: branch, step: index) == .readsSource || branch == .conditional && gathers($0)
        }.map(\.index))
    }
    return SourceReading(
      position: index + rule.attentionLead, sites: sites(.conditional), nullSites: sites(.unconditional),
      predictions: rule.sourcePredictions)
  }

  /// Returns the target's network evaluations in step `index`.
  func evaluations(step index: Int, guidance: Double) -> EvaluationCount {
    rule.evaluations(guidance: guidance).reduce(EvaluationCount()) { count, texts in
      let own = texts.count { controlsStem($0, step: index) }
      return count + EvaluationCount(forward: texts.count, stem: own + (own < texts.count ? 1 : 0))
    }
  }

  /// Whether the evaluation of a text needs its own stem: the stem ends with the first self-attention.
  private func controlsStem(_ text: PredictedText, step index: Int) -> Bool {
    guard let first = scene.sites.first, let branch = text.branch else { return false }
    return run.role(at: first, in: branch, step: index) != .untouched
  }
}

extension PredictedText {
  /// The branch that attention control receives; nil for no control.
  var branch: GuidanceBranch? {
    switch self {
    case .null: .unconditional
    case .prompt: .conditional
    case .caption: nil
    }
  }
}

/// One step of edits that are sampled together.
struct PlannedStep {
  let index: Int
  /// What the edits read of the source.
  let reading: SourceReading
  /// The network evaluations of the step, including those of the source.
  let evaluations: EvaluationCount
}

extension [EditPlan] {
  /// Returns the steps to sample for these edits, in order.
  ///
  /// - Parameter knowledge: The evaluations of the source that are already cached.
  func steps(guidance: Double, knowing knowledge: SourceKnowledge) -> [PlannedStep] {
    var knowledge = knowledge
    return (0..<(first?.scene.stepCount ?? 0)).compactMap { index in
      let walking = filter { $0.firstStep <= index }
      guard let first = walking.first else { return nil }
      let reading = walking.dropFirst().reduce(first.reading(step: index)) { $0 + $1.reading(step: index) }
      let sources = EvaluationCount.singleSteps(knowledge.evaluations(reading, step: index))
      return PlannedStep(
        index: index, reading: reading,
        evaluations: walking.reduce(sources) { $0 + $1.evaluations(step: index, guidance: guidance) })
    }
  }
}
