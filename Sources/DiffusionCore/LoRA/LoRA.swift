public import Foundation

/// A LoRA: pairs of small matrices whose products are added to the weights of a model.
///
/// Files of kohya's scripts, diffusers and PEFT are supported, for linear layers and convolutions of the UNet and the
/// text encoder.
///
/// ```swift
/// var options = ModelOptions()
/// options.loras = [LoRA(url, weight: 0.8)]
/// ```
///
/// The updated weight is W + weight · (alpha / rank) · up · down (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large
/// Language Models").
public struct LoRA: Sendable, Hashable {
  /// The file of the LoRA.
  public var url: URL

  /// The factor of the update: 1 for the trained update, 0 for none; it may be negative.
  public var weight: Double

  /// Creates a LoRA from a file, which is read when the model is loaded.
  public init(_ url: URL, weight: Double = 1) {
    self.url = url
    self.weight = weight
  }
}
