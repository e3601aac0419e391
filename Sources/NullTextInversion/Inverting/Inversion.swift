public import DiffusionCore
public import Tensor

/// An inverted image as plain data: everything needed to reproduce and edit it later or in another process.
///
/// Every inversion method fills this type; edits only read it.
public struct Inversion: Sendable, Equatable {
  /// The description of the image.
  public internal(set) var caption: String
  /// The options of the inversion.
  public internal(set) var options: InversionOptions
  /// The sampler's name, spacing, offset, final alpha and prediction type.
  public internal(set) var schedule: ScheduleRecord
  /// The fingerprint of the model's weights; the inversion is valid only with this model.
  public internal(set) var modelFingerprint: String
  /// The size of the source image in pixels.
  public internal(set) var sourceSize: PixelSize
  /// The part of the source image that was inverted, in its pixels.
  public internal(set) var crop: PixelRect
  /// The fingerprint of the image at the model's input.
  public internal(set) var pictureFingerprint: String
  /// The size of the image at the model's input; nil in files of older versions, which used the model's own size.
  public internal(set) var pictureSize: PixelSize?

  /// Whether this is the trajectory of an edit (``EditedImage/inverted``) instead of the source image.
  public internal(set) var isOfEdit = false

  /// The fingerprint of an inpainting model's mask; nil for other models.
  public internal(set) var maskFingerprint: String?
  /// The extra input channels of an inpainting model: height x width x (1 + channels), mask first, then masked
  /// latent; nil for other models.
  public internal(set) var condition: Tensor?

  /// T + 1 pivot latents, height x width x channels; the first is the encoded image.
  public internal(set) var pivots: [Tensor]
  /// T null embeddings, tokens x channels, in sampling order from the noisiest step.
  public internal(set) var nullEmbeddings: [Tensor]
  /// T + 1 latents of the guided trajectory; the first is the last pivot, the last is the reconstruction.
  public internal(set) var trajectory: [Tensor]
  /// The last measured loss of each step: the mean squared difference between the guided step's latent and its pivot.
  ///
  /// The published optimizer measures the loss before each update. Other optimizers, and steps without updates, give
  /// the loss of the final latent.
  public internal(set) var losses: [Float]
  /// The number of inner iterations of each step.
  public internal(set) var innerSteps: [Int]

  /// The peak signal-to-noise ratio of the reconstruction in dB, against the image at the model's input.
  public internal(set) var psnr: Double
  /// The peak signal-to-noise ratio of the autoencoder alone in dB, which is the upper bound for any inversion.
  public internal(set) var psnrBound: Double

  /// The method that computed the null embeddings.
  public var method: InversionMethod { options.method }
  /// The guidance scale of the reconstruction.
  public var guidance: Double { options.guidance }
  /// The number of sampling steps, T.
  public var stepCount: Int { options.steps }

  /// The number of steps that stopped because of the time budget, before the loss was low enough or all inner
  /// iterations were used.
  public var stepsCutShort: Int {
    guard let settings = options.nullText, settings.budget != nil else { return 0 }
    // Between two equal noise levels, the last step does not change the latent, so its embedding has no effect.
    let movesLast = schedule.stepsOffset != 0 || schedule.finalAlpha == .one
    let moving = movesLast ? stepCount : stepCount - 1
    return zip(losses, innerSteps).prefix(moving).enumerated().count { index, step in
      step.1 < settings.innerSteps(at: index, of: stepCount)
        && Double(step.0) >= settings.stoppingLoss(at: index)
    }
  }

  /// The encoded image.
  public var latent: Tensor { pivots[0] }

  /// Returns the target pivot of a guided step; step 0 is the noisiest.
  package func pivot(after step: Int) -> Tensor { pivots[stepCount - step - 1] }
}
