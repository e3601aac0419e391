internal import DiffusionCore
internal import Tensor

/// Turns a picture into an inversion: the synchronous core of `ImageEditor.invert`.
struct Inverter {
  let model: DiffusionModel
  let options: InversionOptions
  let caption: String
  var progress: ProgressHandler?
  /// Called with the inversion as far as it has come, whenever a step of it is done.
  var checkpoint: (Inversion) throws -> Void = { _ in }

  private let start = ContinuousClock.now

  init(_ model: DiffusionModel, caption: String, options: InversionOptions, progress: ProgressHandler? = nil) {
    self.model = model
    self.caption = caption
    self.options = options
    self.progress = progress
  }

  /// Inverts a picture that has been brought to the model's size.
  ///
  /// - Parameters:
  ///   - picture: as `DiffusionModel.prepare` gives it.
  ///   - draft: an inversion of the same picture with the same settings that was not finished.
  func invert(_ picture: PreparedPicture, resuming draft: Inversion? = nil) throws -> Inversion {
    try options.validate()
    let sampler = try DDIM(model.schedule, stepCount: options.steps)
    let captionEmbedding = try model.embedding(of: caption)
    var inversion = try draft ?? begin(picture, sampler)
    let predictor = NoisePredictor(unet: model.unet, sampler: sampler)
    let context = model.unet.context(captionEmbedding)

    let reporter = ProgressReporter(
      .pivots, stepCount: options.steps, firstStep: inversion.pivots.count - 1, since: start, progress)
    try PivotTrajectory(predictor: predictor, caption: context).complete(&inversion.pivots) { pivots in
      reporter.report(step: pivots.count - 1)
    }
    if inversion.trajectory.isEmpty { inversion.trajectory = [inversion.pivots[options.steps]] }
    try walk(&inversion, predictor, captionEmbedding, context)
    inversion.psnr = ImageMetrics.psnr(model.decode(inversion.trajectory[options.steps]), picture.image)
    inversion.psnrBound = ImageMetrics.psnr(model.decode(inversion.latent), picture.image)
    return inversion
  }

  private func begin(_ picture: PreparedPicture, _ sampler: DDIM) throws -> Inversion {
    Inversion(
      method: options.method, caption: caption, guidance: options.guidance, schedule: ScheduleRecord(sampler),
      modelFingerprint: model.fingerprint, sourceSize: picture.sourceSize, crop: picture.crop,
      pivots: [model.encode(picture.image)], nullEmbeddings: [], trajectory: [], losses: [], innerSteps: [],
      psnr: 0, psnrBound: 0)
  }

  /// The guided way down from where the inversion stands, filling null embeddings and trajectory.
  private func walk(
    _ inversion: inout Inversion, _ predictor: NoisePredictor, _ captionEmbedding: Tensor, _ context: TextContext
  ) throws {
    let emptyEmbedding = try model.embedding(of: "")
    let reporter = ProgressReporter(
      .optimisation, stepCount: options.steps, firstStep: inversion.nullEmbeddings.count, since: start, progress)
    let optimizer = NullTextOptimizer(
      predictor: predictor, caption: context, guidance: options.guidance, innerSteps: options.innerSteps,
      earlyStop: options.earlyStop)
    while inversion.nullEmbeddings.count < options.steps {
      let index = inversion.nullEmbeddings.count
      let step = try optimizer.step(
        index, from: inversion.trajectory[index], embedding: inversion.nullEmbeddings.last ?? emptyEmbedding,
        target: inversion.pivots[options.steps - index - 1]
      ) { reporter.report(step: index, innerStep: $0, loss: $1) }
      inversion.nullEmbeddings.append(step.embedding)
      inversion.trajectory.append(step.latent)
      inversion.losses.append(step.losses.last ?? .nan)
      inversion.innerSteps.append(step.losses.count)
      reporter.report(step: index + 1, loss: step.losses.last)
      try checkpoint(inversion)
    }
  }
}
