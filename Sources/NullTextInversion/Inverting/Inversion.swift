public import DiffusionCore
public import Tensor

/// A picture as a path through a diffusion model: all that is needed to reproduce and to edit it, on another day and in
/// another process.
///
/// Plain data. Every inversion method is a way of filling one, and editing only reads one.
public struct Inversion: Sendable, Equatable {
  /// The text that describes the picture.
  public internal(set) var caption: String
  /// How the picture was inverted.
  public internal(set) var options: InversionOptions
  /// The sampler: its name, spacing, offset, final alpha, kind of prediction.
  public internal(set) var schedule: ScheduleRecord
  /// Identifies the weights of the model; an inversion is worth nothing with others.
  public internal(set) var modelFingerprint: String
  /// Width and height of the picture as it was given, in pixels.
  public internal(set) var sourceSize: PixelSize
  /// The part of the picture that was inverted, in its pixels.
  public internal(set) var crop: PixelRect
  /// Identifies the picture as the model saw it.
  public internal(set) var pictureFingerprint: String
  /// Width and height of the picture as the model saw it; nil in files of older versions, where they are the model's own.
  public internal(set) var pictureSize: PixelSize?

  /// Whether this is the path of an edit, as ``EditedImage/inverted`` gives it, and not that of the picture itself.
  public internal(set) var isOfEdit = false

  /// Identifies the mask with which an inpainting model read the picture; nil for other models.
  public internal(set) var maskFingerprint: String?
  /// What an inpainting model reads beside the latent: height x width x (mask, then the channels of the masked picture's
  /// latent); nil for other models.
  public internal(set) var condition: Tensor?

  /// T + 1 latents of the DDIM inversion, height x width x channels; the first is the encoded picture.
  public internal(set) var pivots: [Tensor]
  /// T embeddings of tokens x channels in the order of sampling, noisiest first.
  public internal(set) var nullEmbeddings: [Tensor]
  /// T + 1 latents of the guided walk as it was really made; the first is the last pivot, the last the reconstruction.
  public internal(set) var trajectory: [Tensor]
  /// The last measured loss of each step: the mean squared distance of the guided step from its pivot.
  ///
  /// The published recipe measures before each update; all other ways, and steps without updates, tell the distance of
  /// what they led to.
  public internal(set) var losses: [Float]
  /// The number of inner iterations of each step.
  public internal(set) var innerSteps: [Int]

  /// Peak signal-to-noise ratio of the reconstruction against the picture as the model sees it, in dB.
  public internal(set) var psnr: Double
  /// The same for the autoencoder alone: no inversion can do better.
  public internal(set) var psnrBound: Double

  /// How the null embeddings were found.
  public var method: InversionMethod { options.method }
  /// The strength of classifier-free guidance that the path was made for.
  public var guidance: Double { options.guidance }
  /// The number of sampling steps, T.
  public var stepCount: Int { options.steps }

  /// The number of steps that a budget ended before their loss was low enough and their inner iterations were used up.
  public var stepsCutShort: Int {
    guard let settings = options.nullText, settings.budget != nil else { return 0 }
    // Between two equal noise levels the last step does not move, whatever its embedding.
    let movesLast = schedule.stepsOffset != 0 || schedule.finalAlpha == .one
    let moving = movesLast ? stepCount : stepCount - 1
    return zip(losses, innerSteps).prefix(moving).enumerated().count { index, step in
      step.1 < settings.innerSteps(at: index, of: stepCount)
        && Double(step.0) >= settings.stoppingLoss(at: index)
    }
  }

  /// The encoded picture.
  public var latent: Tensor { pivots[0] }

  /// The pivot that a step of the guided walk (0 is the noisiest) is to lead to.
  package func pivot(after step: Int) -> Tensor { pivots[stepCount - step - 1] }
}
