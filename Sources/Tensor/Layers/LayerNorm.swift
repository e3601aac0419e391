internal import CTensorKernels

/// Layer normalisation (Ba, Kiros and Hinton 2016, arXiv 1607.06450).
///
/// Each row minus its mean, divided by its standard deviation, times a scale, plus a shift.
public struct LayerNorm: Sendable {
  private let scale: Tensor
  private let shift: Tensor

  /// Added to the variance.
  public let epsilon: Float

  /// The length of the rows.
  public var channels: Int { scale.count }

  /// A norm with the given parameters.
  ///
  /// - Parameters:
  ///   - scale: one factor per channel.
  ///   - shift: one summand per channel.
  ///   - epsilon: added to the variance.
  public init(scale: Tensor, shift: Tensor, epsilon: Float = 1e-5) {
    precondition(scale.count == shift.count, "a scale of \(scale.shape) and a shift of \(shift.shape)")
    self.scale = scale
    self.shift = shift
    self.epsilon = epsilon
  }

  /// The normalised rows of `x`, whose last axis has length `channels`.
  public func callAsFunction(_ x: Variable) -> Variable {
    precondition(x.value.rowLength == channels, "\(x.shape) into a layer norm of \(channels) channels")
    let input = x.value
    return Profile.measure(
      .pass(.layerNorm, reading: input.count, writing: x.shape, isTracked: x.isTracked)
    ) {
      .recorded(normalized(input), from: [x]) { [gradient(at: input, upstream: $0)] }
    }
  }

  private func normalized(_ x: Tensor) -> Tensor {
    Tensor(
      shape: x.shape,
      formingRows: { y, rows in
        ctk_layer_norm_rows(
          y, x.address(rows.lowerBound * channels), scale.address(), shift.address(), rows.count, channels,
          epsilon)
      })
  }

  /// Computes mean and deviation again: a row is in the cache anyway.
  private func gradient(at x: Tensor, upstream: Tensor) -> Tensor {
    Tensor(
      shape: x.shape,
      formingRows: { dx, rows in
        let offset = rows.lowerBound * channels
        ctk_layer_norm_vjp_rows(
          dx, x.address(offset), upstream.address(offset), scale.address(), rows.count, channels, epsilon)
      })
  }
}
