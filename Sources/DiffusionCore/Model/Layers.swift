internal import Tensor

// Layers read from checkpoints.

extension Linear {
  /// Reads a linear layer; its weight may be stored as that of a 1x1 convolution.
  init(_ weights: WeightScope, inputs: Int, outputs: Int, hasBias: Bool = true) throws {
    let isConvolution = weights.shape(of: "weight") == [outputs, inputs, 1, 1]
    let weight = try weights.weight(shape: [outputs, inputs] + (isConvolution ? [1, 1] : []))
    try self.init(
      weight: weight.reshaped([outputs, inputs]),
      bias: hasBias ? try weights.tensor("bias", shape: [outputs]) : nil)
  }
}

extension GroupNorm {
  /// Reads a group norm; its scale is stored as `weight`, its shift as `bias`.
  init(_ weights: WeightScope, channels: Int, groups: Int, epsilon: Float) throws {
    self.init(
      scale: try weights.tensor("weight", shape: [channels]),
      shift: try weights.tensor("bias", shape: [channels]), groups: groups, epsilon: epsilon)
  }
}

extension LayerNorm {
  /// Reads a layer norm; its scale is stored as `weight`, its shift as `bias`.
  init(_ weights: WeightScope, channels: Int, epsilon: Float = 1e-5) throws {
    self.init(
      scale: try weights.tensor("weight", shape: [channels]),
      shift: try weights.tensor("bias", shape: [channels]), epsilon: epsilon)
  }
}

extension Convolution {
  /// Reads a convolution; by default its padding keeps height and width at a stride of 1.
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
