public import Foundation

/// The options for reading a model: replacements and changes of its parts, and tradeoffs between memory and time.
///
/// By default the checkpoint is used as it is, at full speed. Options that save memory change results by rounding
/// only.
public struct ModelOptions: Sendable, Hashable {
  /// The LoRAs merged into the weights when they are read.
  public var loras: [LoRA] = []

  /// A replacement autoencoder: a checkpoint that has one, its folder in the diffusers layout, or a safetensors file.
  public var autoencoder: URL?

  /// A replacement text encoder, in the same forms as an autoencoder; a tokenizer next to it is used too.
  public var textEncoder: URL?

  /// The prediction type of the UNet; nil for the one that the checkpoint states.
  ///
  /// Single files of the Stable Diffusion 2 family do not state it.
  public var prediction: NoiseSchedule.Prediction?

  /// The number of layers to skip at the end of the text encoder; some checkpoints were trained with 1.
  public var clipSkip = 0

  /// The networks that stay in memory; the others are read on each use and freed afterward.
  public var keptParts: Set<Checkpoint.Part>

  /// Whether a gradient recomputes activations instead of keeping them, at the cost of about one more evaluation.
  public var recomputesActivations: Bool

  /// The size in bytes of the bands in which the decoder computes its largest maps; nil for whole maps.
  public var decodingBandByteCount: Int?

  /// Creates options; by default all networks stay in memory, activations are kept and maps are computed whole.
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
  /// Returns these options with the memory options of `other`.
  package func saving(in other: ModelOptions) -> ModelOptions {
    var options = self
    options.keptParts = other.keptParts
    options.recomputesActivations = other.recomputesActivations
    options.decodingBandByteCount = other.decodingBandByteCount
    return options
  }

  /// Whether the networks differ from the checkpoint's.
  var changesModel: Bool {
    !loras.isEmpty || autoencoder != nil || textEncoder != nil || clipSkip != 0
  }
}
