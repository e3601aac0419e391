internal import Tensor

extension Tensor {
  /// The tensor with every scalar replaced.
  func mapped(_ change: (Float) -> Float) -> Tensor {
    withScalars { scalars in
      Tensor(shape: shape) { result in
        for i in result.indices { result[i] = change(scalars[i]) }
      }
    }
  }
}
