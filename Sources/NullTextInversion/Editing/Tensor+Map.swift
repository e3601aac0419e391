internal import Tensor

extension Tensor {
  /// Returns a tensor with `change` applied to every scalar.
  func mapped(_ change: (Float) -> Float) -> Tensor {
    withScalars { scalars in
      Tensor(shape: shape) { result in
        for i in result.indices { result[i] = change(scalars[i]) }
      }
    }
  }
}
