internal import DiffusionCore
internal import Tensor

/// Turns a picture into an inversion: the synchronous core of `ImageEditor.invert`.
struct Inverter {
  let model: DiffusionModel
  let caption: String
  let options: InversionOptions
  var progress: ProgressHandler?
  /// Called with the inversion as far as it has come, whenever a step of it is done.
  var keep: (Inversion) throws -> Void = { _ in }

  private let start = ContinuousClock.now
  private let evaluationsAtStart: Int

  init(_ model: DiffusionModel, caption: String, options: InversionOptions, progress: ProgressHandler? = nil)
  {
    self.model = model
    evaluationsAtStart = model.unet.counter.total.forward
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
      pictureFingerprint: picture.fingerprint, pivots: [model.encode(picture.image)], nullEmbeddings: [],
      trajectory: [], losses: [], innerSteps: [], psnr: 0, psnrBound: 0)
  }

  /// Goes on with an inversion from wherever it stands to its end.
  func complete(_ inversion: inout Inversion, of picture: PreparedPicture) throws {
    let sampler = try DDIM(model.schedule, stepCount: options.steps)
    let predictor = NoisePredictor(unet: model.unet, sampler: sampler)
    let embedding = try model.embedding(of: caption)
    let context = model.unet.context(embedding)
    let kept = inversion.nullEmbeddings.first ?? inversion.sweeps?.embedding ?? embedding
    guard kept.shape == embedding.shape else {
      throw InputError(
        .malformed,
        "The unfinished inversion holds embeddings of \(kept.shape) where the model's are of "
          + "\(embedding.shape); it is damaged. Remove it to start afresh.")
    }

    let pivots = PivotTrajectory(
      predictor: predictor, caption: context, source: options.pivots, refinements: options.pivotRefinements)
    let reporter = ProgressReporter(
      .pivots, stepCount: options.steps, firstStep: inversion.pivots.count - 1, since: start, progress)
    var found = inversion.pivots
    try pivots.complete(&found) { pivots in
      inversion.pivots = pivots
      reporter.report(step: pivots.count - 1)
      try keep(inversion)
    }
    inversion.pivots = found

    let walk = GuidedWalk(
      predictor: predictor, captionEmbedding: embedding, emptyEmbedding: try model.embedding(of: ""),
      caption: context, options: options, start: start, evaluationsAtStart: evaluationsAtStart,
      progress: progress, keep: keep)
    try walk.complete(&inversion)
    inversion.psnr = ImageMetrics.psnr(model.decode(inversion.trajectory[options.steps]), picture.image)
    inversion.psnrBound = ImageMetrics.psnr(model.decode(inversion.latent), picture.image)
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
