extension Tensor {
  /// From height x width x channels, as everything here computes, to channels x height x width, as files have it.
  public func channelsFirst() -> Tensor {
    let (height, width, channels) = shape3
    return reshaped([height * width, channels]).transposed().reshaped([channels, height, width])
  }

  /// From channels x height x width to height x width x channels.
  public func channelsLast() -> Tensor {
    let (channels, height, width) = shape3
    return reshaped([channels, height * width]).transposed().reshaped([height, width, channels])
  }
}

extension Variable {
  /// The same numbers under another shape.
  public func reshaped(_ shape: [Int]) -> Variable {
    let original = self.shape
    return .recorded(value.reshaped(shape), from: [self]) { [$0.reshaped(original)] }
  }
}
