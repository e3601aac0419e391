internal import Foundation
public import Tensor

/// A latent diffusion model with all of its parts, read from a checkpoint.
///
/// Its networks stay in memory, unless `ModelOptions` say otherwise; then each is read when it is asked for, and is freed
/// when the last reference to it goes.
public final class DiffusionModel: Sendable {
  /// Where the checkpoint is.
  public let checkpoint: Checkpoint
  /// What the checkpoint says of the networks.
  public let configuration: ModelConfiguration
  /// What is traded between memory and time.
  public let options: ModelOptions
  /// From text to tokens.
  public let tokenizer: CLIPTokenizer
  /// The noise levels of the training.
  public let schedule: NoiseSchedule
  /// Counts the evaluations of the UNet.
  public let counter = EvaluationCounter()
  /// The fingerprints of the model.
  package let identity: ModelIdentity

  private let textEncoderPart: ModelPart<CLIPTextEncoder>
  private let unetPart: ModelPart<UNet>
  private let autoencoderPart: AutoencoderPart

  /// Reads a model.
  ///
  /// - Throws: `InputError` if a part is missing, damaged, or of a kind that is not supported; or if the installed BLAS
  ///   computes wrongly on this processor.
  public convenience init(_ source: ModelSource, options: ModelOptions = ModelOptions()) throws {
    try self.init(Checkpoint(source, options: options), options: options, afterEach: { _ in })
  }

  /// Identifies the model, as `Checkpoint.modelFingerprint()` does.
  public var fingerprint: String { identity.fingerprint }

  /// The number of networks that are read.
  package static let partCount = 3

  /// Reads a model.
  ///
  /// - Parameters:
  ///   - options: what is traded between memory and time; what replaces or changes parts is the checkpoint's.
  ///   - afterEach: called with the number of networks that have been read.
  package init(
    _ checkpoint: Checkpoint, options: ModelOptions, afterEach: (_ partsRead: Int) -> Void = { _ in }
  ) throws {
    guard BLAS.isSound else { throw InputError(.unsupported, BLAS.unsoundMessage) }
    let options = checkpoint.options.saving(in: options)
    let configuration = try ModelConfiguration(checkpoint)
    self.checkpoint = checkpoint
    self.configuration = configuration
    self.options = options
    schedule = try NoiseSchedule(checkpoint.configuration(of: .scheduler))
    tokenizer = try CLIPTokenizer(checkpoint)

    func part<Network>(
      _ part: Checkpoint.Part, _ read: @escaping @Sendable (WeightScope) throws -> Network
    ) throws -> ModelPart<Network> {
      let fingerprint = try checkpoint.weightFingerprint(of: part)
      return try ModelPart(isKept: options.keptParts.contains(part)) {
        guard try checkpoint.weightFingerprint(of: part) == fingerprint else {
          throw InputError(
            .mismatch,
            "The weights in \(checkpoint.path(of: part)) were changed after the model was opened; open it again."
          )
        }
        return try read(checkpoint.weights(of: part))
      }
    }
    textEncoderPart = try part(.textEncoder) {
      try CLIPTextEncoder(configuration.textEncoder, weights: $0, skippedLayers: options.clipSkip)
    }
    afterEach(1)
    unetPart = try part(.unet) { [counter] weights in
      try UNet(
        configuration.unet, weights: weights, counter: counter,
        recomputesActivations: options.recomputesActivations)
    }
    afterEach(2)
    autoencoderPart =
      switch configuration.autoencoder {
      case .kl(let kl): .kl(try part(.vae) { try AutoencoderKL(kl, weights: $0) })
      case .tiny(let tiny): .tiny(try part(.vae) { try AutoencoderTiny(tiny, weights: $0) })
      }
    afterEach(Self.partCount)
    identity = try ModelIdentity(of: checkpoint)
  }

  /// From tokens to the embedding that the UNet reads.
  ///
  /// - Throws: `InputError` if it must be read again and cannot.
  public var textEncoder: CLIPTextEncoder { get throws { try textEncoderPart.network } }

  /// Predicts the noise in a latent.
  ///
  /// - Throws: `InputError` if it must be read again and cannot.
  public var unet: UNet { get throws { try unetPart.network } }

  /// Between pictures and latents.
  ///
  /// - Throws: `InputError` if it must be read again and cannot.
  public var autoencoder: any Autoencoder { get throws { try autoencoderPart.network } }

  /// The autoencoder, of either kind.
  private enum AutoencoderPart {
    case kl(ModelPart<AutoencoderKL>)
    case tiny(ModelPart<AutoencoderTiny>)

    var network: any Autoencoder {
      get throws {
        switch self {
        case .kl(let part): try part.network
        case .tiny(let part): try part.network
        }
      }
    }
  }

  /// Width and height of the pictures that the model was trained on.
  public var pictureSize: PixelSize { configuration.pictureSize }

  /// What the UNet reads of a text: tokens x channels.
  ///
  /// - Throws: as `embeddings(of:)`.
  public func embedding(of text: String) throws -> Tensor { try embeddings(of: [text])[0] }

  /// What the UNet reads of some texts, each tokens x channels.
  ///
  /// - Throws: `InputError` if a text has more tokens than the encoder reads, or a result is not finite.
  public func embeddings(of texts: [String]) throws -> [Tensor] {
    let ids = try texts.map { try tokenizer.paddedIDs(of: $0) }
    let encoder = try textEncoder
    return try zip(texts, ids).map { text, ids in
      try encoder(ids).requireFinite("The text encoder's embedding of \"\(text)\"")
    }
  }

  /// The latent of a picture of a size that the model works at: height x width x channels, scaled.
  ///
  /// - Throws: `InputError` if the result is not finite; `CancellationError`.
  public func encode(_ picture: RGBImage) throws -> Tensor {
    try autoencoder.encode(picture.tensor).requireFinite("The autoencoder's latent of the picture")
  }

  /// The picture of a latent.
  ///
  /// - Throws: `InputError` if the result is not finite; `CancellationError`.
  public func decode(_ latent: Tensor) throws -> RGBImage {
    let picture = try autoencoder.decode(latent, bandByteCount: options.decodingBandByteCount)
    return RGBImage(try picture.requireFinite("The autoencoder's picture of the latent"))
  }
}

extension DiffusionModel {
  /// Brings a picture to a size that the model works at, resampled.
  ///
  /// - Parameter framing: the part and the size; the middle of the longer side at the model's own size if absent.
  /// - Throws: `InputError(.outOfRange)` if the part has fewer than 16 pixels a side or sticks out, or the model does not
  ///   work at the size.
  public func prepare(_ picture: RGBImage, framing: Framing = .square) throws -> PreparedPicture {
    try PreparedPicture(of: picture, framing: framing, sizes: configuration.pictureSizes)
  }
}
