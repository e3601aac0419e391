internal import Tensor

// The layers of checkpoints.

extension Linear {
  /// A linear layer; a 1x1 convolution's weight is the same matrix with two more axes.
  init(_ weights: WeightScope, inputs: Int, outputs: Int, hasBias: Bool = true) throws {
    let isConvolution = weights.shape(of: "weight") == [outputs, inputs, 1, 1]
    let weight = try weights.weight(shape: [outputs, inputs] + (isConvolution ? [1, 1] : []))
    try self.init(
      weight: weight.reshaped([outputs, inputs]),
      bias: hasBias ? try weights.tensor("bias", shape: [outputs]) : nil)
  }
}

extension GroupNorm {
  /// A group norm; its scale is called weight, its shift bias.
  init(_ weights: WeightScope, channels: Int, groups: Int, epsilon: Float) throws {
    self.init(
      scale: try weights.tensor("weight", shape: [channels]),
      shift: try weights.tensor("bias", shape: [channels]), groups: groups, epsilon: epsilon)
  }
}

extension LayerNorm {
  /// A layer norm; its scale is called weight, its shift bias.
  init(_ weights: WeightScope, channels: Int, epsilon: Float = 1e-5) throws {
    self.init(
      scale: try weights.tensor("weight", shape: [channels]),
      shift: try weights.tensor("bias", shape: [channels]), epsilon: epsilon)
  }
}

extension Convolution {
  /// A convolution; padded so that a stride of 1 keeps height and width, unless `padding` is given.
  init(
    _ weights: WeightScope, inputs: Int, outputs: Int, size: Int = 3, stride: Int = 1,
    padding: Padding? = nil, hasBias: Bool = true
  ) throws {
    try self.init(
      weight: try weights.weight(shape: [outputs, inputs, size, size]),
      bias: hasBias ? try weights.tensor("bias", shape: [outputs]) : nil, stride: stride,
      padding: padding ?? .all(size / 2))
  }
}
