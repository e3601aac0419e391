/// What a model trades between memory and time.
///
/// The defaults are the fastest. Results differ by rounding alone.
public struct ModelOptions: Sendable, Hashable {
  /// The networks that stay in memory; the others are read again whenever they are used, and are gone afterwards.
  public var keptParts: Set<CheckpointFolder.Part>

  /// Whether a gradient computes activations again instead of keeping them, for about one more evaluation.
  public var recomputesActivations: Bool

  /// The size in bytes of the bands in which the decoder forms its largest maps; nil to form them whole.
  public var decodingBandByteCount: Int?

  /// Options; by default all networks stay in memory, activations are kept and maps are formed whole.
  public init(
    keptParts: Set<CheckpointFolder.Part> = [.textEncoder, .unet, .vae], recomputesActivations: Bool = false,
    decodingBandByteCount: Int? = nil
  ) {
    self.keptParts = keptParts
    self.recomputesActivations = recomputesActivations
    self.decodingBandByteCount = decodingBandByteCount
  }
}
