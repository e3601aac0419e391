internal import DiffusionCore
internal import Tensor

/// Inverts images: the synchronous core of `ImageEditor.invert`.
struct Inverter {
  let model: DiffusionModel
  let caption: String
  let options: InversionOptions
  /// The region that may change, for an inpainting model.
  let mask: EditMask?
  let progress: CallProgress
  /// Called with the unfinished inversion after each step.
  var keep: (UnfinishedInversion) throws -> Void = { _ in }

  init(
    _ model: DiffusionModel, caption: String, options: InversionOptions, mask: EditMask? = nil,
    progress: ProgressHandler? = nil
  ) {
    self.mask = mask
    self.model = model
    self.caption = caption
    self.options = options
    self.progress = CallProgress(model.counter, budget: options.nullText?.budget, progress)
  }

  /// Encodes the image and returns an inversion without any steps.
  func begin(_ picture: PreparedPicture) throws -> Inversion {
    let arguments = try InversionArguments(
      of: picture, caption: caption, options: options, mask: mask, schedule: model.schedule,
      model: model.identity)
    var inversion = Inversion(of: arguments, latent: try encode(picture.image))
    inversion.condition = try mask.map { try Inpainting.condition(of: picture.image, $0, inversion, model) }
    return inversion
  }

  /// Continues an unfinished inversion to its end.
  func complete(_ unfinished: inout UnfinishedInversion, of picture: PreparedPicture) throws {
    // This comes first, so that a broken autoencoder is found before hours of computation.
    unfinished.inversion.psnrBound = try psnr(
      of: unfinished.inversion.latent, picture,
      left: options.work(afterPivots: unfinished.inversion.pivots.count - 1))
    try completeWalk(of: &unfinished)
    let last = unfinished.inversion.trajectory[unfinished.inversion.stepCount]
    unfinished.inversion.psnr =
      last == unfinished.inversion.latent
      ? unfinished.inversion.psnrBound : try psnr(of: last, picture, left: WorkRange())
  }

  private func encode(_ image: RGBImage) throws -> Tensor {
    try progress.autoencoder(
      .encoding, left: options.work(afterPivots: 0) + WorkRange(NetworkWork(decodings: 1))
    ) { try model.encode(image) }
  }

  private func psnr(of latent: Tensor, _ picture: PreparedPicture, left: WorkRange) throws -> Double {
    let decoded = try progress.autoencoder(.decoding, left: left) { try model.decode(latent) }
    return ImageMetrics.psnr(decoded, picture.image)
  }

  /// Performs all steps that evaluate the UNet.
  private func completeWalk(of unfinished: inout UnfinishedInversion) throws {
    let sampler = try unfinished.inversion.sampler(model.schedule)
    let embeddings = try model.embeddings(of: [caption, ""])
    let embedding = embeddings[0]
    let kept = unfinished.inversion.nullEmbeddings.first ?? unfinished.sweeps?.embedding ?? embedding
    guard kept.shape == embedding.shape else {
      throw InputError(
        .malformed,
        "The unfinished inversion has embeddings of shape \(kept.shape), but the model's have shape "
          + "\(embedding.shape): it is damaged. Remove it to start again.")
    }
    let unet = try model.unet
    let context = unet.context(embedding)
    let step = GuidedStep(
      unet, condition: unfinished.inversion.condition, sampler: sampler, guidance: options.guidance)
    try completePivots(of: &unfinished, step.predictor, sampler, context, empty: unet.context(embeddings[1]))
    if unfinished.inversion.trajectory.isEmpty {
      unfinished.inversion.trajectory = unfinished.inversion.pivots.suffix(1)
    }
    let walk = GuidedWalk(
      sampler: sampler, step: step, captionEmbedding: embedding, emptyEmbedding: embeddings[1],
      caption: context, progress: progress, keep: keep)
    try options.method.walk.complete(&unfinished, along: walk)
  }

  private func completePivots(
    of unfinished: inout UnfinishedInversion, _ predictor: NoisePredictor, _ sampler: any Sampler,
    _ caption: TextContext, empty: TextContext
  ) throws {
    let trajectory = PivotTrajectory(
      predictor: predictor, sampler: sampler, caption: caption, empty: empty, options: options)
    var pivots = unfinished.inversion.pivots
    let first = pivots.count - 1
    try trajectory.complete(&pivots) { pivots in
      unfinished.inversion.pivots = pivots
      let made = pivots.count - 1
      let left = options.work(afterPivots: made)
      progress.report(.pivots, step: made, of: options.steps, left: left)
      // The first evaluation includes one-time costs, so the pace is known after the second one.
      if made - first <= 2, options.nullText?.budget != nil {
        guard made - first == 2 || made == options.steps else { return }
        try progress.checkBudget(left: left.least, steps: options.steps)
      }
      try keep(unfinished)
    }
    unfinished.inversion.pivots = pivots
  }
}
