internal import DiffusionCore
internal import Tensor

/// Walks an inversion's path with new prompts: the synchronous core of `InvertedImage.edit`.
///
/// The source is not recomputed: its latents are the stored trajectory, and it is asked for its attention only in
/// steps where a target reads it. A step costs two evaluations a target, and one for the source at most (two where the
/// null embedding's attention is read too).
struct EditSampler {
  let model: DiffusionModel
  let source: SourceBranch
  let progress: ProgressHandler?

  /// One prompt's way from noise to picture.
  struct Path {
    /// T + 1 latents, noisiest first.
    let latents: [Tensor]
    /// Where local blend let the picture change in the last step: height x width of the latent.
    let mask: Tensor?
  }

  /// The paths of `prompts`, in their order.
  ///
  /// - Parameter collector: averages the attention of the first.
  func sample(
    _ prompts: [String], options: EditOptions, collector: AttentionMapCollector? = nil
  ) throws -> [Path] {
    let inversion = source.inversion
    let sampler = try DDIM(model.schedule, stepCount: inversion.stepCount)
    let predictor = NoisePredictor(unet: model.unet, sampler: sampler)
    let caption = try model.tokenizer.encode(inversion.caption)
    let (height, width, _) = inversion.latent.shape3
    let sites = model.unet.attentionSites(height: height, width: width)
    let targets = try prompts.enumerated().map { number, prompt in
      try EditTarget(
        model.tokenizer.encode(prompt), context: model.unet.context(try model.embedding(of: prompt)),
        source: caption,
        inversion: inversion, options: options, sites: sites, collector: number == 0 ? collector : nil)
    }
    let captionContext = model.unet.context(try model.embedding(of: inversion.caption))
    let guidance = options.guidance ?? inversion.guidance
    let firstStep = targets.map(\.firstStep).min() ?? 0
    let reporter = ProgressReporter(
      .sampling, stepCount: inversion.stepCount, firstStep: firstStep, since: .now, progress)

    for index in firstStep..<inversion.stepCount {
      let timestep = sampler.timesteps[index]
      let null = model.unet.context(inversion.nullEmbeddings[index])
      let conditional = try sourceAttention(
        in: index, targets.map { $0.sourceSites(in: index) }, predictor, captionContext, options)
      let unconditional = try nullSourceAttention(
        in: index, targets.map { $0.nullSourceSites(in: index) }, predictor, null)
      for target in targets {
        let latent = target.latents[index]
        let control = target.control(in: index, source: conditional)
        let nullControl = target.nullControl(in: index, source: unconditional)
        let stem = try predictor.stem(latent, at: timestep, control: nullControl)
        // The stem ends with the first self-attention: it is shared unless a control acts on that.
        let isShared = nullControl == nil && !target.controlsStem(in: index)
        let controlledStem = isShared ? stem : try predictor.stem(latent, at: timestep, control: control)
        let unguided = try predictor.prediction(stem, null, control: nullControl)
        let text = try predictor.prediction(controlledStem, target.context, control: control)
        let next =
          options.proximal.map {
            proximalStep($0, index, sampler, latent, null: unguided, text: text, guidance: guidance)
          }
          ?? sampler.denoised(
            latent, prediction: predictor.guided(null: unguided, text: text, guidance: guidance).value,
            step: index)
        target.advance(to: next, after: index, source: inversion.trajectory[index + 1])
      }
      reporter.report(step: index + 1)
    }
    return targets.map { Path(latents: $0.latents, mask: $0.mask) }
  }

  /// Where a step with thresholded guidance leads.
  private func proximalStep(
    _ proximal: ProximalGuidance, _ index: Int, _ sampler: DDIM, _ latent: Tensor, null: Variable,
    text: Variable, guidance: Double
  ) -> Tensor {
    let (prediction, unchanged) = proximal.guided(null: null.value, text: text.value, guidance: guidance)
    let next = sampler.denoised(latent, prediction: prediction, step: index)
    guard proximal.pullsBack(step: index, of: sampler.stepCount) else { return next }
    return proximal.pulledBack(next, to: source.inversion.pivot(after: index), unchanged: unchanged)
  }

  /// The attention of the source under its caption, step by step: T evaluations.
  func sourceMaps() throws -> AttentionMaps {
    let inversion = source.inversion
    let predictor = NoisePredictor(
      unet: model.unet, sampler: try DDIM(model.schedule, stepCount: inversion.stepCount))
    let caption = model.unet.context(try model.embedding(of: inversion.caption))
    let collector = AttentionMapCollector()
    let reporter = ProgressReporter(.sampling, stepCount: inversion.stepCount, since: .now, progress)
    for (index, timestep) in predictor.sampler.timesteps.enumerated() {
      let stem = try predictor.stem(inversion.trajectory[index], at: timestep, control: collector)
      _ = try predictor.prediction(stem, caption, control: collector)
      collector.finishStep()
      reporter.report(step: index + 1)
    }
    return collector.maps(of: PromptWords(try model.tokenizer.encode(inversion.caption)))
  }

  private func sourceAttention(
    in index: Int, _ wanted: [Set<Int>], _ predictor: NoisePredictor, _ caption: TextContext,
    _ options: EditOptions
  ) throws -> SourceAttention? {
    let wanted = wanted.reduce(into: Set()) { $0.formUnion($1) }
    guard !wanted.isEmpty else { return nil }
    let limit = options.selfGrid * options.selfGrid
    return try source.attention(
      in: index, wanted: wanted, keepable: { $0.isCross || $0.height * $0.width <= limit },
      predictor: predictor,
      caption: caption)
  }

  private func nullSourceAttention(
    in index: Int, _ wanted: [Set<Int>], _ predictor: NoisePredictor, _ null: TextContext
  ) throws -> SourceAttention? {
    let wanted = wanted.reduce(into: Set()) { $0.formUnion($1) }
    guard !wanted.isEmpty else { return nil }
    let recorder = AttentionRecorder { wanted.contains($0.index) }
    let stem = try predictor.stem(
      source.inversion.trajectory[index], at: predictor.sampler.timesteps[index], control: recorder)
    _ = try predictor.prediction(stem, null, control: recorder)
    return SourceAttention(recorder.found)
  }
}
