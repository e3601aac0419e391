public import DiffusionCore
internal import Tensor

/// How well an inversion did, step by step and as a whole, with what it cost.
///
///     let pictures = try await editor.reportPictures(of: inverted, photo: photo)
///     let report = InversionReport(inverted, pictures: pictures, options: options, seconds: seconds)
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
    /// The last measured loss, taken before the update that followed it; nil without inner iterations.
    public var loss: Float?
    /// The loss under which the step stopped early; nil without inner iterations.
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
  /// The time that the inversion took, in seconds.
  public var seconds: Double

  /// The report on an inversion.
  ///
  /// - Parameters:
  ///   - pictures: of this inversion.
  ///   - options: that it was made with.
  ///   - evaluations: that it took.
  ///   - seconds: that it took.
  public init(
    _ inversion: Inversion, pictures: ReportPictures, options: InversionOptions, evaluations: EvaluationCount,
    seconds: Double
  ) {
    caption = inversion.caption
    self.options = options
    schedule = inversion.schedule
    modelFingerprint = inversion.modelFingerprint
    sourceSize = inversion.sourceSize
    crop = inversion.crop
    libraryVersion = NullTextInversion::libraryVersion
    reconstruction = Fidelity(of: pictures.reconstruction, to: pictures.photo)
    ddim = Fidelity(of: pictures.ddim, to: pictures.photo)
    autoencoder = Fidelity(of: pictures.autoencoder, to: pictures.photo)
    steps = (0..<inversion.stepCount).map { Step($0, of: inversion, earlyStop: options.earlyStop) }
    innerSteps = inversion.innerSteps.reduce(0, +)
    self.evaluations = evaluations
    self.seconds = seconds
  }

  /// The report on an inversion that was just made.
  public init(_ inverted: InvertedImage, pictures: ReportPictures, options: InversionOptions, seconds: Double)
  {
    self.init(
      inverted.inversion, pictures: pictures, options: options, evaluations: inverted.evaluations,
      seconds: seconds)
  }
}

extension InversionReport.Step {
  init(_ index: Int, of inversion: Inversion, earlyStop: Double) {
    innerSteps = index < inversion.innerSteps.count ? inversion.innerSteps[index] : 0
    if innerSteps > 0, index < inversion.losses.count, inversion.losses[index].isFinite {
      loss = inversion.losses[index]
    }
    threshold = innerSteps > 0 ? earlyStop + 2e-5 * Double(index) : nil
    distance = inversion.trajectory[index + 1]
      .meanSquaredDistance(to: inversion.pivots[inversion.stepCount - index - 1])
  }
}

extension Tensor {
  /// The mean of the squared differences, summed in double precision.
  fileprivate func meanSquaredDistance(to other: Tensor) -> Double {
    let sum = zip(scalars, other.scalars).reduce(0.0) { sum, pair in
      let difference = Double(pair.0) - Double(pair.1)
      return sum + difference * difference
    }
    return sum / Double(max(count, 1))
  }
}
