internal import DiffusionCore

/// What an edit of one prompt reads and evaluates in each step, known before any evaluation.
struct EditPlan {
  let scene: EditScene
  let options: EditOptions
  let rule: any TargetStepMaker
  /// The policy at work.
  var run: any EditingRun
  /// The maps that the blend gathers.
  let blendGrid: LocalBlendGrid?

  /// - Parameters:
  ///   - rule: where the options name none.
  ///   - policy: nil for the options' control.
  /// - Throws: `InputError` if the prompts or the network do not fit the options.
  init(
    _ scene: EditScene, _ options: EditOptions, rule: StepRule, policy: (any EditingPolicy)? = nil,
    latent: (height: Int, width: Int)
  ) throws {
    let rule = options.stepRule ?? rule
    self.scene = scene
    self.options = options
    self.rule = rule.maker
    guard options.proximal == nil || rule == .guided else {
      throw InputError(.mismatch, "Proximal guidance needs the step rule guided; leave one of them out.")
    }
    run = try (policy ?? options.control.policy).begin(scene)
    blendGrid = try options.blend.map { blend in
      try blend.grid.map { try LocalBlendGrid(width: $0, sites: scene.sites) }
        ?? LocalBlendGrid(forLatentOf: latent.height, by: latent.width, sites: scene.sites.filter(\.isCross))
    }
  }

  /// The first step that the target walks by itself.
  var firstStep: Int { min(max(0, run.firstStep), scene.stepCount) }

  /// Whether the blend gathers the maps of a site.
  func gathers(_ site: AttentionSite) -> Bool { site.isCross && blendGrid?.includes(site) == true }

  /// What step `index` reads of the source.
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

  /// What step `index` asks of the network for the target.
  func evaluations(step index: Int, guidance: Double) -> EvaluationCount {
    rule.evaluations(guidance: guidance).reduce(EvaluationCount()) { count, texts in
      let own = texts.count { controlsStem($0, step: index) }
      return count + EvaluationCount(forward: texts.count, stem: own + (own < texts.count ? 1 : 0))
    }
  }

  /// Whether the evaluation of a text needs a stem of its own: the stem ends with the first self-attention.
  private func controlsStem(_ text: PredictedText, step index: Int) -> Bool {
    guard let first = scene.sites.first, let branch = text.branch else { return false }
    return run.role(at: first, in: branch, step: index) != .untouched
  }
}

extension PredictedText {
  /// The branch that attention control sees; nil for none.
  var branch: GuidanceBranch? {
    switch self {
    case .null: .unconditional
    case .prompt: .conditional
    case .caption: nil
    }
  }
}

/// One step of edits that are walked together.
struct PlannedStep {
  let index: Int
  /// What they read of the source.
  let reading: SourceReading
  /// What they ask of the network, the source included.
  let evaluations: EvaluationCount
}

extension [EditPlan] {
  /// The steps that these edits walk, in their order.
  ///
  /// - Parameter knowledge: what need not be evaluated of the source.
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
