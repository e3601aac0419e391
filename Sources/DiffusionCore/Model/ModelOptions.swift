public import Foundation

/// How a model is read: what replaces or changes its parts, and what is traded between memory and time.
///
/// By default the checkpoint is taken as it is, and all is as fast as it can be. What saves memory changes results by
/// rounding alone.
public struct ModelOptions: Sendable, Hashable {
  /// What is merged into the weights when they are read.
  public var loras: [LoRA] = []

  /// Another autoencoder: a checkpoint that has one, the folder of one in the layout of diffusers, or a safetensors file.
  public var autoencoder: URL?

  /// Another text encoder, named like an autoencoder; with the tokenizer beside it, if there is one.
  public var textEncoder: URL?

  /// What the UNet predicts; nil for what the checkpoint states.
  ///
  /// Single files of the family of Stable Diffusion 2 do not state it.
  public var prediction: NoiseSchedule.Prediction?

  /// The number of last layers of the text encoder that are left out; some checkpoints were trained so, with 1.
  public var clipSkip = 0

  /// The networks that stay in memory; the others are read again whenever they are used, and are gone afterwards.
  public var keptParts: Set<Checkpoint.Part>

  /// Whether a gradient computes activations again instead of keeping them, for about one more evaluation.
  public var recomputesActivations: Bool

  /// The size in bytes of the bands in which the decoder forms its largest maps; nil to form them whole.
  public var decodingBandByteCount: Int?

  /// Options; by default the checkpoint is taken as it is, all networks stay in memory, activations are kept and maps are
  /// formed whole.
  public init(
    keptParts: Set<Checkpoint.Part> = [.textEncoder, .unet, .vae], recomputesActivations: Bool = false,
    decodingBandByteCount: Int? = nil
  ) {
    self.keptParts = keptParts
    self.recomputesActivations = recomputesActivations
    self.decodingBandByteCount = decodingBandByteCount
  }
}

extension ModelOptions {
  /// The same model, with the savings of other options.
  package func saving(in other: ModelOptions) -> ModelOptions {
    var options = self
    options.keptParts = other.keptParts
    options.recomputesActivations = other.recomputesActivations
    options.decodingBandByteCount = other.decodingBandByteCount
    return options
  }

  /// Whether the model is another than that of the checkpoint alone.
  var changesModel: Bool {
    !loras.isEmpty || autoencoder != nil || textEncoder != nil || clipSkip != 0
  }
}
