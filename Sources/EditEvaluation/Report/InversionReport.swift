public import DiffusionCore
internal import Tensor

/// How well an inversion did, step by step and as a whole, with what it cost.
///
///     let pictures = try await editor.reportPictures(of: inverted, photo: photo)
///     let report = InversionReport(inverted, pictures: pictures, duration: duration)
///     try report.write(to: folder, pictures: pictures)
public struct InversionReport: Sendable, Equatable, Codable {
  /// How close a picture comes to the photo as the model sees it.
  public struct Fidelity: Sendable, Equatable, Codable {
    /// The peak signal-to-noise ratio in decibels.
    public var psnr: Double
    /// The structural similarity under a Gaussian window, 1 for equal pictures.
    public var ssim: Double

    /// The fidelity of `picture` to `photo`, which is of its size.
    public init(of picture: RGBImage, to photo: RGBImage) {
      psnr = ImageMetrics.psnr(picture, photo)
      ssim = ImageMetrics.ssim(picture, photo)
    }
  }

  /// What happened in one step of the guided walk.
  public struct Step: Sendable, Equatable, Codable {
    /// The number of inner iterations.
    public var innerSteps: Int
    /// The last measured loss; nil where no null embedding was fitted to the step.
    ///
    /// Of the published recipe, which measures before each update, that is the loss before the last.
    public var loss: Float?
    /// The loss under which the step was done; nil where no null embedding was fitted to it.
    public var threshold: Double?
    /// The mean squared distance between the latent that the step led to and its pivot.
    public var distance: Double
  }

  /// The text that describes the picture.
  public var caption: String
  /// What the inversion was asked for.
  public var options: InversionOptions
  /// The sampler.
  public var schedule: ScheduleRecord
  /// Identifies the weights of the model.
  public var modelFingerprint: String
  /// Width and height of the picture as it was given, in pixels.
  public var sourceSize: PixelSize
  /// The part of the picture that was inverted, in its pixels.
  public var crop: PixelRect
  /// The version of the library that made the report.
  public var libraryVersion: String

  /// Of the picture that the guided walk leads back to.
  public var reconstruction: Fidelity
  /// Of the same walk with the embedding of the empty text, that is without optimisation.
  public var ddim: Fidelity
  /// Of the autoencoder alone: no inversion can do better.
  public var autoencoder: Fidelity

  /// The steps in the order of sampling, noisiest first.
  public var steps: [Step]
  /// The number of inner iterations of all steps.
  public var innerSteps: Int
  /// The network evaluations that the inversion took.
  public var evaluations: EvaluationCount
  private var seconds: Double

  /// The report on an inversion.
  ///
  /// - Parameters:
  ///   - pictures: of this inversion.
  ///   - evaluations: that it took.
  ///   - duration: that it took.
  public init(
    _ inversion: Inversion, pictures: ReportPictures, evaluations: EvaluationCount, duration: Duration
  ) {
    caption = inversion.caption
    options = inversion.options
    schedule = inversion.schedule
    modelFingerprint = inversion.modelFingerprint
    sourceSize = inversion.sourceSize
    crop = inversion.crop
    libraryVersion = NullTextInversion::libraryVersion
    reconstruction = Fidelity(of: pictures.reconstruction, to: pictures.photo)
    ddim = Fidelity(of: pictures.ddim, to: pictures.photo)
    autoencoder = Fidelity(of: pictures.autoencoder, to: pictures.photo)
    steps = (0..<inversion.stepCount).map { Step($0, of: inversion) }
    innerSteps = inversion.innerSteps.reduce(0, +)
    self.evaluations = evaluations
    seconds = duration / .seconds(1)
  }

  /// The report on an inversion that was just made.
  public init(_ inverted: InvertedImage, pictures: ReportPictures, duration: Duration) {
    self.init(
      inverted.inversion, pictures: pictures, evaluations: inverted.evaluations, duration: duration)
  }

  /// The time that the inversion took; `seconds` in the JSON.
  public var duration: Duration { .seconds(seconds) }
}

extension InversionReport.Step {
  init(_ index: Int, of inversion: Inversion) {
    innerSteps = inversion.innerSteps[index]
    if let settings = inversion.options.nullText, settings.innerSteps > 0 {
      loss = inversion.losses[index].isFinite ? inversion.losses[index] : nil
      threshold = settings.stoppingLoss(at: index)
    }
    distance = Double(
      inversion.trajectory[index + 1].meanSquaredDifference(to: inversion.pivot(after: index)))
  }
}
