public import DiffusionCore
internal import Tensor

/// A report on an inversion: its steps, its fidelity and its cost.
///
/// ```swift
/// let pictures = try await editor.reportPictures(of: inverted, photo: photo)
/// let report = InversionReport(inverted, pictures: pictures, duration: duration)
/// try report.write(to: folder, pictures: pictures)
/// ```
public struct InversionReport: Sendable, Equatable, Codable {
  /// The fidelity of a picture to the photo as the model sees it.
  public struct Fidelity: Sendable, Equatable, Codable {
    /// The peak signal-to-noise ratio in decibels.
    public var psnr: Double
    /// The structural similarity with a Gaussian window, 1 for equal pictures.
    public var ssim: Double

    /// Computes the fidelity of `picture` to `photo`, which has the same size.
    public init(of picture: RGBImage, to photo: RGBImage) {
      psnr = ImageMetrics.psnr(picture, photo)
      ssim = ImageMetrics.ssim(picture, photo)
    }
  }

  /// The values of one sampling step.
  public struct Step: Sendable, Equatable, Codable {
    /// The number of inner iterations.
    public var innerSteps: Int
    /// The last measured loss; nil if no null embedding was fitted to the step.
    ///
    /// The published optimizer measures the loss before each update, so this is the loss before the last update.
    public var loss: Float?
    /// The loss below which the step stops; nil if no null embedding was fitted to the step.
    public var threshold: Double?
    /// The mean squared distance between the latent after the step and its pivot.
    public var distance: Double
  }

  /// The caption of the picture.
  public var caption: String
  /// The options of the inversion.
  public var options: InversionOptions
  /// The noise schedule and sampler.
  public var schedule: ScheduleRecord
  /// The fingerprint of the model's weights.
  public var modelFingerprint: String
  /// The size of the original picture in pixels.
  public var sourceSize: PixelSize
  /// The inverted part of the picture, in its pixels.
  public var crop: PixelRect
  /// The version of the library that made the report.
  public var libraryVersion: String

  /// The fidelity of the reconstruction.
  public var reconstruction: Fidelity
  /// The fidelity of sampling with the empty text's embedding, that is, without optimization.
  public var ddim: Fidelity
  /// The fidelity of the autoencoder alone, which no inversion exceeds.
  public var autoencoder: Fidelity

  /// The steps in the order of sampling, noisiest first.
  public var steps: [Step]
  /// The number of inner iterations of all steps.
  public var innerSteps: Int
  /// The network evaluations of the inversion.
  public var evaluations: EvaluationCount
  private var seconds: Double

  /// Creates the report on an inversion.
  ///
  /// - Parameters:
  ///   - inversion: The inversion.
  ///   - pictures: The pictures of this inversion.
  ///   - evaluations: The network evaluations of the inversion.
  ///   - duration: The time of the inversion.
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

  /// Creates the report on a new inversion, with its own count of evaluations.
  public init(_ inverted: InvertedImage, pictures: ReportPictures, duration: Duration) {
    self.init(
      inverted.inversion, pictures: pictures, evaluations: inverted.evaluations, duration: duration)
  }

  /// The time of the inversion; `seconds` in the JSON.
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
