internal import Tensor

extension Tensor {
  /// Classifier-free guidance: ε∅ + w (ε_text − ε∅), of predictions at one latent.
  static func guided(null: Tensor, text: Tensor, by guidance: Double) -> Tensor {
    .combination(Float(1 - guidance), null, Float(guidance), text)
  }
}
