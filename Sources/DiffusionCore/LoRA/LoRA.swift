public import Foundation

/// A LoRA: small matrices whose products are added to the weights of a model.
///
/// Files of kohya's scripts, of diffusers and of PEFT are read, for UNet and text encoder, linear layers and convolutions.
///
///     var options = ModelOptions()
///     options.loras = [LoRA(url, weight: 0.8)]
///
/// Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models": W + weight · (alpha / rank) · up · down.
public struct LoRA: Sendable, Hashable {
  /// Where the file is.
  public var url: URL

  /// What the change is multiplied by: 1 for that which was trained, 0 for none; it may be negative.
  public var weight: Double

  /// A LoRA at a place of the file system; the file is read with the model.
  public init(_ url: URL, weight: Double = 1) {
    self.url = url
    self.weight = weight
  }
}
