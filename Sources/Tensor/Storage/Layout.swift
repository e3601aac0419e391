extension Tensor {
  /// Converts height × width × channels, the layout of all computations, to channels × height × width, the layout of
  /// files.
  public func channelsFirst() -> Tensor {
    let (height, width, channels) = shape3
    return reshaped([height * width, channels]).transposed().reshaped([channels, height, width])
  }

  /// Converts channels × height × width to height × width × channels.
  public func channelsLast() -> Tensor {
    let (channels, height, width) = shape3
    return reshaped([channels, height * width]).transposed().reshaped([height, width, channels])
  }
}

extension Variable {
  /// Returns the same elements in another shape with the same count.
  public func reshaped(_ shape: [Int]) -> Variable {
    let original = self.shape
    return .recorded(value.reshaped(shape), from: [self]) { [$0.reshaped(original)] }
  }
}
