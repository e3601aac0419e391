internal import DiffusionCore
internal import Tensor

/// Samples an inversion's trajectory with new prompts: the synchronous core of `InvertedImage.edit`.
///
/// The source is not sampled again: its latents are the stored trajectory, and its attention is computed only in
/// steps in which a target reads it. `EditPlan` gives the evaluations of each step in advance.
struct EditSampler {
  let model: DiffusionModel
  let source: SourceBranch
  let progress: CallProgress

  init(model: DiffusionModel, source: SourceBranch, progress: CallProgress? = nil) {
    self.model = model
    self.source = source
    self.progress = progress ?? CallProgress(model.counter, nil)
  }

  /// The sampling trajectory of one prompt.
  struct Path {
    /// T + 1 latents, noisiest first.
    let latents: [Tensor]
    /// The mask of the local blend after the last step, latent height x width; nil without a blend.
    let mask: Tensor?
  }

  /// Samples all prompts together and returns their trajectories in the order of the prompts.
  ///
  /// - Parameters:
  ///   - policy: The editing policy; nil for the control of the options.
  ///   - collector: Averages the attention of the first prompt.
  /// - Throws: `InputError` before any evaluation if a prompt or an option cannot be used; `CancellationError`.
  func sample(
    _ prompts: [String], options: EditOptions, policy: (any EditingPolicy)? = nil,
    collector: AttentionMapCollector? = nil
  ) throws -> [Path] {
    let inversion = source.inversion
    let sampler = try inversion.sampler(model.schedule)
    let caption = PromptWords(try model.tokenizer.encode(inversion.caption))
    let (height, width, _) = inversion.latent.shape3
    let sites = model.configuration.unet.attentionSites(height: height, width: width)
    let plans = try prompts.map { prompt in
      let scene = EditScene(
        source: caption, target: PromptWords(try model.tokenizer.encode(prompt)),
        stepCount: inversion.stepCount, textLength: model.configuration.textEncoder.positionCount,
        sites: sites)
      return try EditPlan(
        scene, options, rule: inversion.options.stepRule, policy: policy, latent: (height, width))
    }
    let needsEmpty = options.null != .fitted
    let embeddings = try model.embeddings(of: prompts + [inversion.caption] + (needsEmpty ? [""] : []))
    let unet = try model.unet
    let step = GuidedStep(
      unet, condition: inversion.condition, sampler: sampler, guidance: options.guidance ?? inversion.guidance
    )
    let captionContext = unet.context(embeddings[prompts.count])
    let targets = try plans.enumerated().map { number, plan in
      try EditTarget(
        plan, texts: .init(prompt: unet.context(embeddings[number]), caption: captionContext), step: step,
        inversion: inversion, collector: number == 0 ? collector : nil)
    }
    let largestKept = options.largestSelfGrid
    let evaluator = SourceBranch.Evaluator(
      predictor: step.predictor, sampler: sampler, caption: captionContext,
      keepable: { $0.isCross || $0.isWithin(nominalSide: largestKept) })
    let steps = plans.steps(guidance: step.guidance, knowing: source.knowledge)
    var left = steps.map(\.evaluations).reduce(EvaluationCount(), +)

    for planned in steps {
      let index = planned.index
      left = left - planned.evaluations
      let fitted = inversion.nullEmbeddings[index]
      let null = unet.context(fitted)
      let targetNull =
        needsEmpty
        ? unet.context(
          options.null.embedding(
            fitted: fitted, empty: embeddings[prompts.count + 1], step: index, of: inversion.stepCount))
        : null
      let sourceStep = try source.step(index, planned.reading, evaluator, null: null)
      for target in targets where target.nextStep == index {
        try target.advance(index, source: sourceStep, null: targetNull)
      }
      progress.report(
        .sampling, step: index + 1, of: inversion.stepCount,
        left: WorkRange(NetworkWork(evaluations: left, decodings: prompts.count)))
    }
    return targets.map { Path(latents: $0.latents, mask: $0.mask) }
  }

  /// Computes the source's attention maps under its caption: T evaluations.
  func sourceMaps() throws -> AttentionMaps {
    let inversion = source.inversion
    let sampler = try inversion.sampler(model.schedule)
    let embedding = try model.embedding(of: inversion.caption)
    let predictor = NoisePredictor(unet: try model.unet, condition: inversion.condition)
    let caption = predictor.unet.context(embedding)
    let collector = AttentionMapCollector()
    for (index, timestep) in sampler.timesteps.enumerated() {
      let stem = try predictor.stem(inversion.trajectory[index], at: timestep, control: collector)
      _ = try predictor.prediction(stem, caption, control: collector)
      collector.finish(step: index)
      progress.report(
        .sampling, step: index + 1, of: inversion.stepCount,
        left: WorkRange(NetworkWork(evaluations: .singleSteps(inversion.stepCount - index - 1))))
    }
    return collector.maps(of: PromptWords(try model.tokenizer.encode(inversion.caption)))
  }
}

extension EditOptions {
  /// The side length, at the model's own size, of the largest self-attention grid that edits read and that is cached
  /// for later edits.
  package var largestSelfGrid: Int { (promptToPrompt ?? PromptToPrompt()).selfGrid }
}
