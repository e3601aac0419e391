internal import CTensorKernels

/// Layer normalization (Ba, Kiros and Hinton 2016, arXiv 1607.06450).
///
/// Subtracts the mean of each row, divides by its standard deviation, then multiplies by a scale and adds a shift per
/// channel.
public struct LayerNorm: Sendable {
  private let scale: Tensor
  private let shift: Tensor

  /// The constant added to the variance.
  public let epsilon: Float

  /// The row length.
  public var channels: Int { scale.count }

  /// Creates a norm with the given parameters.
  ///
  /// - Parameters:
  ///   - scale: One factor per channel.
  ///   - shift: One addend per channel.
  ///   - epsilon: The constant added to the variance.
  public init(scale: Tensor, shift: Tensor, epsilon: Float = 1e-5) {
    precondition(scale.count == shift.count, "a scale of \(scale.shape) and a shift of \(shift.shape)")
    self.scale = scale
    self.shift = shift
    self.epsilon = epsilon
  }

  /// Returns the normalized rows of `x`, whose last axis has length `channels`.
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

  /// Recomputes mean and standard deviation, which costs little because the row is in the cache.
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
