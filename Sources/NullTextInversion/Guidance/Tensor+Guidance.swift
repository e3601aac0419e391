internal import Tensor

extension Tensor {
  /// Returns the classifier-free guidance ε∅ + w (ε_text − ε∅) of two predictions at the same latent.
  static func guided(null: Tensor, text: Tensor, by guidance: Double) -> Tensor {
    .combination(Float(1 - guidance), null, Float(guidance), text)
  }
}
