internal import DiffusionCore
internal import Tensor

/// Walks an inversion's path with new prompts: the synchronous core of `InvertedImage.edit`.
///
/// The source is not recomputed: its latents are the stored trajectory, and its attention is computed only in steps where
/// a target reads it. A step costs two evaluations a target, and one for the source at most (two where the null
/// embedding's attention is read too).
struct EditSampler {
  let model: DiffusionModel
  let source: SourceBranch
  let progress: CallProgress

  init(model: DiffusionModel, source: SourceBranch, progress: CallProgress? = nil) {
    self.model = model
    self.source = source
    self.progress = progress ?? CallProgress(model.counter, nil)
  }

  /// One prompt's way from noise to picture.
  struct Path {
    /// T + 1 latents, noisiest first.
    let latents: [Tensor]
    /// Where local blend let the picture change in the last step: height x width of the latent.
    let mask: Tensor?
  }

  /// The paths of `prompts`, in their order.
  ///
  /// - Parameters:
  ///   - policy: what keeps the picture together; nil for the options' control.
  ///   - collector: averages the attention of the first.
  func sample(
    _ prompts: [String], options: EditOptions, policy: (any EditingPolicy)? = nil,
    collector: AttentionMapCollector? = nil
  ) throws -> [Path] {
    let inversion = source.inversion
    let sampler = try inversion.sampler(model.schedule)
    let caption = PromptWords(try model.tokenizer.encode(inversion.caption))
    let (height, width, _) = inversion.latent.shape3
    let sites = model.configuration.unet.attentionSites(height: height, width: width)
    let embeddings = try model.embeddings(of: prompts + [inversion.caption])
    let unet = try model.unet
    let step = GuidedStep(
      unet, condition: inversion.condition, sampler: sampler, guidance: options.guidance ?? inversion.guidance
    )
    let targets = try prompts.enumerated().map { number, prompt in
      let scene = EditScene(
        source: caption, target: PromptWords(try model.tokenizer.encode(prompt)),
        stepCount: inversion.stepCount, textLength: model.configuration.textEncoder.positionCount,
        sites: sites)
      return try EditTarget(
        scene, policy: policy ?? options.control.policy, context: unet.context(embeddings[number]),
        step: step, inversion: inversion, options: options, collector: number == 0 ? collector : nil)
    }
    let captionContext = unet.context(embeddings[prompts.count])
    let firstStep = targets.map(\.nextStep).min() ?? 0
    let largestKept = options.largestSelfGrid
    var left = (firstStep..<inversion.stepCount).map { evaluations(of: targets, step: $0) }.reduce(
      EvaluationCount(), +)

    for index in firstStep..<inversion.stepCount {
      left = left - evaluations(of: targets, step: index)
      let targets = targets.filter { $0.nextStep == index }
      let timestep = sampler.timesteps[index]
      let null = unet.context(inversion.nullEmbeddings[index])
      let conditional = try source.attention(
        in: index, at: timestep, wanted: targets.sourceSites(in: .conditional, step: index),
        keepable: { $0.isCross || $0.isWithin(nominalSide: largestKept) }, step.predictor,
        caption: captionContext)
      let unconditional = try source.unconditionalAttention(
        in: index, at: timestep, wanted: targets.sourceSites(in: .unconditional, step: index), step.predictor,
        null: null)
      for target in targets {
        try target.advance(
          index, conditional: conditional, unconditional: unconditional, null: null,
          source: inversion.trajectory[index + 1], pivot: inversion.pivot(after: index))
      }
      progress.report(
        .sampling, step: index + 1, of: inversion.stepCount,
        left: WorkRange(NetworkWork(evaluations: left, decodings: prompts.count)))
    }
    return targets.map { Path(latents: $0.latents, mask: $0.mask) }
  }

  /// What a step asks of the network, before it is made.
  private func evaluations(of targets: [EditTarget], step: Int) -> EvaluationCount {
    let walking = targets.filter { $0.nextStep <= step }
    let conditional = walking.sourceSites(in: .conditional, step: step)
    let sources =
      (source.remembers(conditional, step: step) ? 0 : 1)
      + (walking.sourceSites(in: .unconditional, step: step).isEmpty ? 0 : 1)
    return .guidedSteps(walking.count) + .singleSteps(sources)
  }

  /// The attention of the source under its caption, step by step: T evaluations.
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
  /// The side, at the model's own size, of the largest self-attention whose probabilities are read and which is remembered
  /// for later edits.
  package var largestSelfGrid: Int { (promptToPrompt ?? PromptToPrompt()).selfGrid }
}

extension [EditTarget] {
  /// The sites whose attention in the source any of the targets reads in a step.
  fileprivate func sourceSites(in branch: GuidanceBranch, step: Int) -> Set<Int> {
    reduce(into: Set()) { $0.formUnion($1.sourceSites(in: branch, step: step)) }
  }
}
