/// The tensors that a layer adds to its matrix product.
struct LayerAddends {
  /// No addends.
  static let none = LayerAddends(offset: nil, residual: nil)

  /// One number per output, added to every row: a bias or a time embedding.
  let offset: Tensor?

  /// A tensor with the element count of the result.
  let residual: Tensor?

  /// Traps unless both match a result of `rows` × `outputs`.
  func check(rows: Int, outputs: Int) {
    if let offset {
      precondition(offset.count == outputs, "a bias of \(offset.shape) for \(outputs) outputs")
    }
    if let residual {
      precondition(
        residual.count == rows * outputs, "a residual of \(residual.shape) for \(rows) x \(outputs)")
    }
  }
}

extension Variable {
  /// Returns the result of a layer with one input and an optional residual, and records the gradients of both.
  ///
  /// - Parameter pullback: Returns the gradient with respect to `x`, given the upstream gradient.
  static func recorded(
    _ y: Tensor, from x: Variable, adding residual: Variable?, pullback: @escaping (Tensor) -> Tensor
  ) -> Variable {
    guard let residual else { return .recorded(y, from: [x]) { [pullback($0)] } }
    let tracksInput = x.isTracked
    return .recorded(y, from: [x, residual]) { [tracksInput ? pullback($0) : nil, $0] }
  }
}
