internal import CTensorKernels

/// The mean and standard deviation of each group of channels over all rows, repeated for each channel of the group.
package struct GroupStatistics {
  let mean: [Float]

  /// 1 / √(variance + epsilon).
  let deviationInverse: [Float]

  init(_ x: Tensor, groups: Int, epsilon: Float) {
    var sums = GroupSums()
    sums.add(x)
    self.init(sums, groups: groups, epsilon: epsilon)
  }

  init(_ sums: GroupSums, groups: Int, epsilon: Float) {
    let rows = Double(sums.rows)
    let width = sums.origin.count / groups
    var mean: [Float] = []
    var deviationInverse: [Float] = []
    for group in 0..<groups {
      let channels = group * width..<(group + 1) * width
      let center = channels.reduce(0) { $0 + Double(sums.origin[$1]) + sums.first[$1] / rows } / Double(width)
      let variance = channels.reduce(0) { total, c in
        let channelMean = sums.first[c] / rows
        let offset = Double(sums.origin[c]) + channelMean - center
        return total + max(0, sums.second[c] / rows - channelMean * channelMean) + offset * offset
      }
      mean += repeatElement(Float(center), count: width)
      let inverse = 1 / (variance / Double(width) + Double(epsilon)).squareRoot()
      deviationInverse += repeatElement(Float(inverse), count: width)
    }
    self.mean = mean
    self.deviationInverse = deviationInverse
  }
}

/// The sums over the rows of a map from which its statistics are computed; the map may be added in bands.
package struct GroupSums {
  /// A number near each channel's mean; sums of differences from it lose no precision if the mean is large.
  fileprivate private(set) var origin: [Float] = []

  /// The number of rows added.
  fileprivate private(set) var rows = 0

  /// The sum of the differences from `origin`, per channel.
  fileprivate private(set) var first: [Double] = []

  /// The sum of the squared differences, per channel.
  fileprivate private(set) var second: [Double] = []

  package init() {}

  /// Adds the rows of `x`, any shape whose last axis holds the channels.
  package mutating func add(_ x: Tensor) {
    if rows == 0 { origin = Self.origin(x) }
    precondition(x.rowLength == origin.count, "\(x.shape) after maps of \(origin.count) channels")
    let sums = ColumnSums(rows: x.rowCount, columns: x.rowLength) { sum, squares, rows in
      ctk_column_sums(sum, squares, x.address(rows.lowerBound * x.rowLength), origin, rows.count, x.rowLength)
    }
    first = rows == 0 ? sums.first : zip(first, sums.first).map(+)
    second = rows == 0 ? sums.second : zip(second, sums.second).map(+)
    rows += x.rowCount
  }

  /// Returns the mean of about 8 rows at equal distances in `x`.
  private static func origin(_ x: Tensor) -> [Float] {
    let columns = x.rowLength
    let rows = Array(stride(from: 0, to: x.rowCount, by: max(1, x.rowCount / 8)))
    var sum = [Float](repeating: 0, count: columns)
    for row in rows { ctk_add(&sum, x.address(row * columns), columns) }
    return sum.map { $0 / Float(rows.count) }
  }
}

/// Two sums over the rows of a matrix, per column.
///
/// Sums within a piece of rows are in single precision; the pieces are added in double precision, in order.
struct ColumnSums {
  let first: [Double]
  let second: [Double]

  /// - Parameter kernel: Writes the two sums of a range of rows.
  init(
    rows: Int, columns: Int,
    _ kernel: (UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, Range<Int>) -> Void
  ) {
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
    self.first = first
    self.second = second
  }
}
