internal import Tensor

/// Two normalised convolutions beside a shortcut (diffusers' `ResnetBlock2D`).
struct ResidualBlock: Sendable {
  private let norm1: GroupNorm
  private let conv1: Convolution
  private let timeProjection: Linear?
  private let norm2: GroupNorm
  private let conv2: Convolution
  private let shortcut: Convolution?
  private let outputScale: Float

  /// - Parameters:
  ///   - timeChannels: the width of the time embedding; nil for a block without one.
  ///   - outputScale: what the sum is divided by.
  init(
    _ weights: WeightScope, inputs: Int, outputs: Int, timeChannels: Int?, groups: Int, epsilon: Float,
    outputScale: Float = 1
  ) throws {
    norm1 = try GroupNorm(weights["norm1"], channels: inputs, groups: groups, epsilon: epsilon)
    conv1 = try Convolution(weights["conv1"], inputs: inputs, outputs: outputs)
    timeProjection = try timeChannels.map {
      try Linear(weights["time_emb_proj"], inputs: $0, outputs: outputs)
    }
    norm2 = try GroupNorm(weights["norm2"], channels: outputs, groups: groups, epsilon: epsilon)
    conv2 = try Convolution(weights["conv2"], inputs: outputs, outputs: outputs)
    shortcut =
      inputs == outputs
      ? nil : try Convolution(weights["conv_shortcut"], inputs: inputs, outputs: outputs, size: 1)
    self.outputScale = outputScale
  }

  /// What the time embedding adds to each channel between the two convolutions.
  ///
  /// - Parameter time: SiLU of the time embedding.
  func timeOffset(_ time: Tensor) -> Tensor? { timeProjection.map { $0(time).reshaped([norm2.channels]) } }

  /// - Parameter x: the block lets go of it as early as it can; large maps are most of the memory that an autoencoder
  ///   needs.
  func callAsFunction(_ x: consuming Variable, timeOffset: Tensor? = nil) -> Variable {
    let residual = if let shortcut { shortcut(x) } else { copy x }
    let h = conv1(normalizing: consume x, by: norm1, thenSiLU: true, channelOffset: timeOffset)
    let sum = conv2(normalizing: h, by: norm2, thenSiLU: true, adding: residual)
    return outputScale == 1 ? sum : sum * (1 / outputScale)
  }
}
