internal import CTensorKernels

/// Group normalization (Wu and He 2018, arXiv 1803.08494).
///
/// Subtracts from each group of consecutive channels its mean over all pixels, divides by its standard deviation, then
/// multiplies by a scale and adds a shift per channel. The last axis holds the channels; all others count pixels.
public struct GroupNorm: Sendable {
  private let scale: Tensor
  private let shift: Tensor

  /// The number of groups of channels.
  public let groups: Int

  /// The constant added to the variance.
  public let epsilon: Float

  /// The number of channels.
  public var channels: Int { scale.count }

  /// Creates a norm with the given parameters.
  ///
  /// - Parameters:
  ///   - scale: One factor per channel.
  ///   - shift: One addend per channel.
  ///   - groups: The number of groups, a divisor of the number of channels.
  ///   - epsilon: The constant added to the variance.
  public init(scale: Tensor, shift: Tensor, groups: Int, epsilon: Float) {
    precondition(scale.count == shift.count, "a scale of \(scale.shape) and a shift of \(shift.shape)")
    precondition(
      groups > 0 && scale.count.isMultiple(of: groups), "\(scale.count) channels in \(groups) groups")
    self.scale = scale
    self.shift = shift
    self.groups = groups
    self.epsilon = epsilon
  }

  /// Returns the normalized `x`, optionally followed by SiLU.
  ///
  /// - Parameters:
  ///   - x: Any shape whose last axis has length `channels`.
  ///   - thenSiLU: Whether to apply SiLU in the same pass over memory.
  public func callAsFunction(_ x: Variable, thenSiLU: Bool = false) -> Variable {
    precondition(x.value.rowLength == channels, "\(x.shape) into a group norm of \(channels) channels")
    return Profile.measure(
      .pass(.groupNorm, reading: x.value.count, passes: 2, writing: x.shape, isTracked: x.isTracked)
    ) {
      let evaluation = evaluation(x.value, thenSiLU: thenSiLU)
      return .recorded(evaluation.result(), from: [x]) { [evaluation.gradient(upstream: $0)] }
    }
  }

  /// Returns an evaluation of the norm whose result is not yet computed.
  ///
  /// - Parameter statistics: The statistics of the map that `x` is a part of; nil if `x` is the whole map.
  func evaluation(_ x: Tensor, thenSiLU: Bool, statistics: GroupStatistics? = nil) -> Evaluation {
    Evaluation(
      self, x, thenSiLU: thenSiLU, statistics ?? GroupStatistics(x, groups: groups, epsilon: epsilon))
  }

  /// Returns the statistics of a map, given its sums.
  package func statistics(_ sums: GroupSums) -> GroupStatistics {
    GroupStatistics(sums, groups: groups, epsilon: epsilon)
  }

  /// An evaluation of the norm: the statistics of a tensor, from which result and gradient are computed.
  struct Evaluation {
    private let norm: GroupNorm
    private let x: Tensor
    private let thenSiLU: Bool
    private let statistics: GroupStatistics

    /// The scale divided by the standard deviation, per channel.
    private let factor: [Float]

    fileprivate init(_ norm: GroupNorm, _ x: Tensor, thenSiLU: Bool, _ statistics: GroupStatistics) {
      self.norm = norm
      self.x = x
      self.thenSiLU = thenSiLU
      self.statistics = statistics
      factor = zip(statistics.deviationInverse, norm.scale.readOnlyScalars).map { $0 * $1 }
    }

    var channels: Int { norm.channels }

    /// Returns the whole result.
    func result() -> Tensor { Tensor(shape: x.shape, formingRows: { y, rows in write(rows, into: y) }) }

    /// Writes some rows of the result.
    func write(_ rows: Range<Int>, into y: UnsafeMutablePointer<Float>?) {
      ctk_group_norm_rows(
        y, x.address(rows.lowerBound * norm.channels), statistics.mean, factor, norm.shift.address(),
        rows.count,
        norm.channels, thenSiLU)
    }

    /// Returns the gradient with respect to the input.
    ///
    /// With x̂ the normalized input, u = x̂ · scale + shift and d = scale · du, the gradient is deviationInverse · (d -
    /// mean(d) - x̂ · mean(d x̂)), with means over a group.
    func gradient(upstream: Tensor) -> Tensor {
      let channels = norm.channels
      let sums = ColumnSums(rows: x.rowCount, columns: channels) { sum, products, rows in
        let at = rows.lowerBound * channels
        ctk_group_norm_vjp_sums(
          sum, products, x.address(at), upstream.address(at), statistics.mean, factor, norm.shift.address(),
          rows.count, channels, thenSiLU)
      }

      let width = channels / norm.groups
      let count = Double(x.rowCount * width)
      let scale = norm.scale.readOnlyScalars
      var offset: [Float] = []
      var slope: [Float] = []
      for group in 0..<norm.groups {
        let members = group * width..<(group + 1) * width
        let inverse = Double(statistics.deviationInverse[members.lowerBound])
        let meanOfD = members.reduce(0) { $0 + Double(scale[$1]) * sums.first[$1] } / count
        let meanOfProducts = members.reduce(0) { $0 + Double(scale[$1]) * sums.second[$1] * inverse } / count
        offset += repeatElement(Float(-inverse * meanOfD), count: width)
        slope += repeatElement(Float(-inverse * inverse * meanOfProducts), count: width)
      }

      return Tensor(
        shape: x.shape,
        formingRows: { dx, rows in
          let at = rows.lowerBound * channels
          ctk_group_norm_vjp_rows(
            dx, x.address(at), upstream.address(at), statistics.mean, factor, norm.shift.address(), offset,
            slope,
            rows.count, channels, thenSiLU)
        })
    }
  }
}
