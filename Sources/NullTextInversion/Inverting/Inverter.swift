internal import DiffusionCore
internal import Tensor

/// Turns a picture into an inversion: the synchronous core of `ImageEditor.invert`.
struct Inverter {
  let model: DiffusionModel
  let caption: String
  let options: InversionOptions
  var progress: ProgressHandler?
  /// Called with the inversion as far as it has come, whenever a step of it is done.
  var keep: (UnfinishedInversion) throws -> Void = { _ in }

  private let start = ContinuousClock.now
  private let evaluationsAtStart: Int

  init(_ model: DiffusionModel, caption: String, options: InversionOptions, progress: ProgressHandler? = nil)
  {
    self.model = model
    evaluationsAtStart = model.counter.total.forward
    self.caption = caption
    self.options = options
    self.progress = progress
  }

  /// An inversion of which only the picture is encoded.
  func begin(_ picture: PreparedPicture) throws -> Inversion {
    Inversion(
      caption: caption, options: options,
      schedule: ScheduleRecord(try DDIM(model.schedule, stepCount: options.steps)),
      modelFingerprint: model.fingerprint, sourceSize: picture.sourceSize, crop: picture.crop,
      pictureFingerprint: picture.fingerprint, pivots: [try model.encode(picture.image)], nullEmbeddings: [],
      trajectory: [], losses: [], innerSteps: [], psnr: 0, psnrBound: 0)
  }

  /// Goes on with an inversion from wherever it stands to its end.
  func complete(_ unfinished: inout UnfinishedInversion, of picture: PreparedPicture) throws {
    // First, so that an autoencoder that does not work is found before hours of work.
    unfinished.inversion.psnrBound = try psnr(of: unfinished.inversion.latent, picture)
    try completeWalk(of: &unfinished)
    let last = unfinished.inversion.trajectory[unfinished.inversion.stepCount]
    unfinished.inversion.psnr = try psnr(of: last, picture)
  }

  private func psnr(of latent: Tensor, _ picture: PreparedPicture) throws -> Double {
    ImageMetrics.psnr(try model.decode(latent), picture.image)
  }

  /// All that needs the UNet.
  private func completeWalk(of unfinished: inout UnfinishedInversion) throws {
    let sampler = try unfinished.inversion.sampler(model.schedule)
    let embeddings = try model.embeddings(of: [caption, ""])
    let embedding = embeddings[0]
    let kept = unfinished.inversion.nullEmbeddings.first ?? unfinished.sweeps?.embedding ?? embedding
    guard kept.shape == embedding.shape else {
      throw InputError(
        .malformed,
        "The unfinished inversion holds embeddings of \(kept.shape) where the model's are of "
          + "\(embedding.shape); it is damaged. Remove it to start afresh.")
    }
    let unet = try model.unet
    let context = unet.context(embedding)
    let step = GuidedStep(unet, sampler: sampler, guidance: options.guidance)
    try completePivots(of: &unfinished, step.predictor, sampler, context)
    if unfinished.inversion.trajectory.isEmpty {
      unfinished.inversion.trajectory = unfinished.inversion.pivots.suffix(1)
    }
    let walk = GuidedWalk(
      sampler: sampler, step: step, captionEmbedding: embedding, emptyEmbedding: embeddings[1],
      caption: context, start: start, evaluationsSinceStart: model.counter.total.forward - evaluationsAtStart,
      progress: progress, keep: keep)
    try options.method.walk.complete(&unfinished, along: walk)
  }

  private func completePivots(
    of unfinished: inout UnfinishedInversion, _ predictor: NoisePredictor, _ sampler: any InvertibleSampler,
    _ caption: TextContext
  ) throws {
    let trajectory = PivotTrajectory(
      predictor: predictor, sampler: sampler, caption: caption, source: options.pivots,
      refinements: options.pivotRefinements)
    var pivots = unfinished.inversion.pivots
    let reporter = ProgressReporter(
      .pivots, stepCount: options.steps, firstStep: pivots.count - 1, since: start, progress)
    try trajectory.complete(&pivots) { pivots in
      unfinished.inversion.pivots = pivots
      reporter.report(step: pivots.count - 1)
      try keep(unfinished)
    }
    unfinished.inversion.pivots = pivots
  }
}

extension PreparedPicture {
  /// Identifies the picture as the model sees it.
  var fingerprint: String {
    var fingerprint = Fingerprint()
    fingerprint.add("\(image.width)x\(image.height)")
    fingerprint.add(image.bytes)
    return fingerprint.hexadecimal
  }
}
