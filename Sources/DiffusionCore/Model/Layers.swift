internal import Tensor

/// A learnt matrix product: x Wᵀ + b.
struct Linear: Sendable {
  let weight: Tensor
  let bias: Tensor?

  /// - Parameter outputs: nil to take what the checkpoint holds.
  init(_ weights: WeightScope, inputs: Int, outputs: Int, hasBias: Bool = true) throws {
    // A 1x1 convolution's weight is the same matrix with two more axes.
    let stored = try weights.tensor("weight")
    let isMatrix = stored.shape == [outputs, inputs] || stored.shape == [outputs, inputs, 1, 1]
    weight =
      isMatrix ? stored.reshaped([outputs, inputs]) : try weights.tensor("weight", shape: [outputs, inputs])
    bias = hasBias ? try weights.tensor("bias", shape: [outputs]) : nil
  }

  func callAsFunction(_ x: Variable, adding residual: Variable? = nil) -> Variable {
    x.linear(weight, bias: bias, adding: residual)
  }

  func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight, bias: bias) }
}

/// Normalisation over groups of channels, with a learnt scale and shift per channel.
struct GroupNorm: Sendable {
  let groups: Int
  let scale: Tensor
  let shift: Tensor
  let epsilon: Float

  init(_ weights: WeightScope, channels: Int, groups: Int, epsilon: Float) throws {
    self.groups = groups
    self.epsilon = epsilon
    scale = try weights.tensor("weight", shape: [channels])
    shift = try weights.tensor("bias", shape: [channels])
  }

  func callAsFunction(_ x: Variable, thenSiLU: Bool = false) -> Variable {
    x.groupNormalized(groups: groups, scale: scale, shift: shift, epsilon: epsilon, thenSiLU: thenSiLU)
  }
}

/// Normalisation of each row, with a learnt scale and shift per channel.
struct LayerNorm: Sendable {
  let scale: Tensor
  let shift: Tensor
  let epsilon: Float

  init(_ weights: WeightScope, channels: Int, epsilon: Float = 1e-5) throws {
    self.epsilon = epsilon
    scale = try weights.tensor("weight", shape: [channels])
    shift = try weights.tensor("bias", shape: [channels])
  }

  func callAsFunction(_ x: Variable) -> Variable {
    x.layerNormalized(scale: scale, shift: shift, epsilon: epsilon)
  }
}

extension Convolution {
  /// A convolution of a checkpoint.
  init(
    _ weights: WeightScope, inputs: Int, outputs: Int, size: Int = 3, stride: Int = 1, padding: Padding? = nil
  ) throws {
    self.init(
      weight: try weights.tensor("weight", shape: [outputs, inputs, size, size]),
      bias: try weights.tensor("bias", shape: [outputs]), stride: stride, padding: padding ?? .all(size / 2))
  }
}
