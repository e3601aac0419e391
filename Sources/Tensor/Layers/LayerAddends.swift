/// What a layer adds to its matrix product.
struct LayerAddends {
  /// Nothing to add.
  static let none = LayerAddends(offset: nil, residual: nil)

  /// One number per output, added to every row: a bias, a time embedding.
  let offset: Tensor?

  /// A tensor of as many scalars as the result.
  let residual: Tensor?

  /// Traps unless both fit a result of `rows` x `outputs`.
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
  /// The result of a layer of one input to which a residual may have been added, and the gradients at both.
  ///
  /// - Parameter pullback: from the gradient at the result to the gradient at `x`.
  static func recorded(
    _ y: Tensor, from x: Variable, adding residual: Variable?, pullback: @escaping (Tensor) -> Tensor
  ) -> Variable {
    guard let residual else { return .recorded(y, from: [x]) { [pullback($0)] } }
    let tracksInput = x.isTracked
    return .recorded(y, from: [x, residual]) { [tracksInput ? pullback($0) : nil, $0] }
  }
}
