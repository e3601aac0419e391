internal import CTensorKernels

extension Variable {
  /// Returns the mean squared difference from `target`, a tensor of the same shape, as a variable of shape [].
  public func meanSquaredError(to target: Tensor) -> Variable {
    let x = value
    let error = Tensor(repeating: x.meanSquaredDifference(to: target), shape: [])
    return .recorded(error, from: [self]) { upstream in
      let factor = upstream.readOnlyScalars[0] * 2 / Float(x.count)
      return [x.mapped(with: target) { ctk_scaled_difference($0, factor, $1, $2, $3) }]
    }
  }
}
