internal import CTensorKernels

extension Variable {
  /// The channels of each group less their mean over all pixels, over their standard deviation, times `scale`, plus
  /// `shift` (Wu and He 2018, arXiv 1803.08494); then the SiLU of it if wanted.
  ///
  /// The last axis holds the channels, all others count pixels. x is read twice, for the statistics and to normalise.
  ///
  /// - Parameters:
  ///   - groups: into how many groups of consecutive channels they are divided.
  ///   - scale: a factor for each channel.
  ///   - shift: a summand for each channel.
  ///   - epsilon: added to the variance.
  ///   - thenSiLU: whether the result goes through the SiLU in the same pass.
  public func groupNormalized(
    groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, thenSiLU: Bool = false
  ) -> Variable {
    let channels = value.rowLength
    precondition(
      groups > 0 && channels.isMultiple(of: groups) && scale.count == channels && shift.count == channels,
      "a group norm of \(groups) groups, \(scale.shape) and \(shift.shape) over \(channels) channels")
    let norm = GroupNorm(
      value, groups: groups, scale: scale, shift: shift, epsilon: epsilon, thenSiLU: thenSiLU)
    return .recorded(norm.result(), from: [self]) { [norm.gradient(upstream: $0)] }
  }
}

/// A group norm of one tensor: statistics found, ready to give the result and the gradient.
private struct GroupNorm {
  let x: Tensor
  let groups: Int
  let scale: Tensor
  let shift: Tensor
  let thenSiLU: Bool

  /// The mean of each channel's group, and 1 / √(variance + epsilon).
  let mean: [Float]
  let deviationInverse: [Float]

  /// The deviation's inverse times the scale.
  let factor: [Float]

  init(_ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, thenSiLU: Bool) {
    self.x = x
    self.groups = groups
    self.scale = scale
    self.shift = shift
    self.thenSiLU = thenSiLU

    // Sums are formed about a number near each channel's mean, which leaves them their digits.
    let origin = Self.origin(x)
    let (sum, squares) = Self.columnSums(rows: x.rowCount, columns: x.rowLength) { sum, squares, rows in
      ctk_column_sums(sum, squares, x.address(rows.lowerBound * x.rowLength), origin, rows.count, x.rowLength)
    }

    let rows = Double(x.rowCount)
    let width = x.rowLength / groups
    var mean: [Float] = []
    var deviationInverse: [Float] = []
    for group in 0..<groups {
      let channels = group * width..<(group + 1) * width
      let centre = channels.reduce(0) { $0 + Double(origin[$1]) + sum[$1] / rows } / Double(width)
      let variance = channels.reduce(0) { total, c in
        let offset = Double(origin[c]) + sum[c] / rows - centre
        return total + max(0, squares[c] / rows - (sum[c] / rows) * (sum[c] / rows)) + offset * offset
      }
      mean += repeatElement(Float(centre), count: width)
      let inverse = 1 / (variance / Double(width) + Double(epsilon)).squareRoot()
      deviationInverse += repeatElement(Float(inverse), count: width)
    }
    self.mean = mean
    self.deviationInverse = deviationInverse
    factor = zip(deviationInverse, scale.readOnlyScalars).map { $0 * $1 }
  }

  func result() -> Tensor {
    let channels = x.rowLength
    return Tensor(
      shape: x.shape,
      formingRows: { y, rows in
        let from = x.address(rows.lowerBound * channels)
        ctk_group_norm_rows(y, from, mean, factor, shift.address(), rows.count, channels, thenSiLU)
      })
  }

  /// With x̂ the normalised input, u = x̂ · scale + shift and d = scale · du, the gradient is
  /// deviationInverse · (d - mean(d) - x̂ · mean(d x̂)), the means over a group.
  func gradient(upstream: Tensor) -> Tensor {
    let channels = x.rowLength
    let (sum, products) = Self.columnSums(rows: x.rowCount, columns: channels) { sum, products, rows in
      let at = rows.lowerBound * channels
      ctk_group_norm_vjp_sums(
        sum, products, x.address(at), upstream.address(at), mean, factor, shift.address(), rows.count,
        channels,
        thenSiLU)
    }

    let width = channels / groups
    let count = Double(x.rowCount * width)
    var offset: [Float] = []
    var slope: [Float] = []
    for group in 0..<groups {
      let members = group * width..<(group + 1) * width
      let inverse = Double(deviationInverse[members.lowerBound])
      let weights = scale.readOnlyScalars
      let meanOfD = members.reduce(0) { $0 + Double(weights[$1]) * sum[$1] } / count
      let meanOfProducts = members.reduce(0) { $0 + Double(weights[$1]) * products[$1] * inverse } / count
      offset += repeatElement(Float(-inverse * meanOfD), count: width)
      slope += repeatElement(Float(-inverse * inverse * meanOfProducts), count: width)
    }

    return Tensor(
      shape: x.shape,
      formingRows: { dx, rows in
        let at = rows.lowerBound * channels
        ctk_group_norm_vjp_rows(
          dx, x.address(at), upstream.address(at), mean, factor, shift.address(), offset, slope, rows.count,
          channels, thenSiLU)
      })
  }

  /// The mean of some rows spread over all of x.
  private static func origin(_ x: Tensor) -> [Float] {
    let columns = x.rowLength
    let rows = Array(stride(from: 0, to: x.rowCount, by: max(1, x.rowCount / 8)))
    var sum = [Float](repeating: 0, count: columns)
    for row in rows { ctk_add(&sum, x.address(row * columns), columns) }
    return sum.map { $0 / Float(rows.count) }
  }

  /// Two sums for each column, that `kernel` forms over pieces of the rows.
  ///
  /// The pieces' sums are in single precision and are added in double precision, in the order of the pieces.
  private static func columnSums(
    rows: Int, columns: Int,
    _ kernel: (UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, Range<Int>) -> Void
  ) -> ([Double], [Double]) {
    let grain = Parallel.rowGrain(length: columns)
    let pieces = (rows + grain - 1) / grain
    let partial = Tensor(shape: [pieces, 2, columns]) { sums in
      Parallel.forEachRange(of: rows, grain: grain) { rows in
        let at = rows.lowerBound / grain * 2 * columns
        kernel(sums.baseAddress.map { $0 + at }, sums.baseAddress.map { $0 + at + columns }, rows)
      }
    }
    var first = [Double](repeating: 0, count: columns)
    var second = first
    let sums = partial.readOnlyScalars
    for piece in 0..<pieces {
      let at = piece * 2 * columns
      for column in 0..<columns {
        first[column] += Double(sums[at + column])
        second[column] += Double(sums[at + columns + column])
      }
    }
    return (first, second)
  }
}
