internal import Foundation
public import Tensor

/// A latent diffusion model with all its parts, read from a checkpoint.
///
/// By default its networks stay in memory. A network that `ModelOptions.keptParts` leaves out is read on access and
/// freed with its last reference.
public final class DiffusionModel: Sendable {
  /// The checkpoint of the model.
  public let checkpoint: Checkpoint
  /// The configurations of the networks.
  public let configuration: ModelConfiguration
  /// The replacements and changes of parts, and the tradeoffs between memory and time.
  public let options: ModelOptions
  /// The tokenizer of prompts.
  public let tokenizer: CLIPTokenizer
  /// The noise levels of the training timesteps.
  public let schedule: NoiseSchedule
  /// The counter of UNet evaluations.
  public let counter = EvaluationCounter()
  /// The fingerprints of the model.
  package let identity: ModelIdentity

  private let textEncoderPart: ModelPart<CLIPTextEncoder>
  private let unetPart: ModelPart<UNet>
  private let autoencoderPart: AutoencoderPart

  /// Reads a model.
  ///
  /// - Throws: `InputError` if a part is missing, damaged or of an unsupported kind, or if the installed BLAS
  ///   computes wrong results on this processor.
  public convenience init(_ source: ModelSource, options: ModelOptions = ModelOptions()) throws {
    try self.init(Checkpoint(source, options: options), options: options, afterEach: { _ in })
  }

  /// The fingerprint of the model, as in `Checkpoint.modelFingerprint()`.
  public var fingerprint: String { identity.fingerprint }

  /// The number of networks to read.
  package static let partCount = 3

  /// Reads a model.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint, with its replacements and changes of parts.
  ///   - options: The tradeoffs between memory and time; other options are ignored in favor of the checkpoint's.
  ///   - afterEach: Called with the number of networks read so far.
  /// - Throws: `InputError` as for `init(_:options:)`.
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
            "The weights in \(checkpoint.path(of: part)) changed after the model was opened. Open it again."
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

  /// The network that computes embeddings from tokens.
  ///
  /// - Throws: `InputError` if it must be read again and cannot be.
  public var textEncoder: CLIPTextEncoder { get throws { try textEncoderPart.network } }

  /// The network that predicts the noise in a latent.
  ///
  /// - Throws: `InputError` if it must be read again and cannot be.
  public var unet: UNet { get throws { try unetPart.network } }

  /// The network that encodes pictures as latents and decodes them.
  ///
  /// - Throws: `InputError` if it must be read again and cannot be.
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

  /// The width and height of the pictures the model was trained on.
  public var pictureSize: PixelSize { configuration.pictureSize }

  /// Returns the text embedding that the UNet reads: tokens x channels.
  ///
  /// - Throws: The errors of `embeddings(of:)`.
  public func embedding(of text: String) throws -> Tensor { try embeddings(of: [text])[0] }

  /// Returns the text embeddings that the UNet reads, each tokens x channels.
  ///
  /// - Throws: `InputError` if a text has more tokens than the encoder's limit, or if a result is not finite.
  public func embeddings(of texts: [String]) throws -> [Tensor] {
    let ids = try texts.map { try tokenizer.paddedIDs(of: $0) }
    let encoder = try textEncoder
    return try zip(texts, ids).map { text, ids in
      try encoder(ids).requireFinite("The text encoder's embedding of \"\(text)\"")
    }
  }

  /// Returns the scaled latent of a picture: height x width x channels.
  ///
  /// - Parameter picture: A picture of a size that the model supports.
  /// - Throws: `InputError` if the result is not finite; `CancellationError` if the task is cancelled.
  public func encode(_ picture: RGBImage) throws -> Tensor {
    try autoencoder.encode(picture.tensor).requireFinite("The autoencoder's latent of the picture")
  }

  /// Returns the picture of a scaled latent.
  ///
  /// - Throws: `InputError` if the result is not finite; `CancellationError` if the task is cancelled.
  public func decode(_ latent: Tensor) throws -> RGBImage {
    let picture = try autoencoder.decode(latent, bandByteCount: options.decodingBandByteCount)
    return RGBImage(try picture.requireFinite("The autoencoder's picture of the latent"))
  }
}

extension DiffusionModel {
  /// Crops and resizes a picture to a size that the model supports.
  ///
  /// - Parameters:
  ///   - picture: The upright picture, of any size.
  ///   - framing: The crop and the size; by default the center of the picture at the model's own size.
  /// - Throws: `InputError(.outOfRange)` if the crop has fewer than 16 pixels per side or exceeds the picture, or if
  ///   the model does not support the size.
  public func prepare(_ picture: RGBImage, framing: Framing = .square) throws -> PreparedPicture {
    try PreparedPicture(of: picture, framing: framing, sizes: configuration.pictureSizes)
  }
}
