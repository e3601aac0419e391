extension Tensor {
  /// Returns the product of two matrices, each optionally transposed first.
  ///
  /// - Complexity: O(rows * columns * depth)
  public static func product(
    _ a: Tensor, _ b: Tensor, transposingFirst: Bool = false, transposingSecond: Bool = false
  ) -> Tensor {
    let (a0, a1) = a.shape2
    let (b0, b1) = b.shape2
    let (rows, depth) = transposingFirst ? (a1, a0) : (a0, a1)
    let (otherDepth, columns) = transposingSecond ? (b1, b0) : (b0, b1)
    precondition(depth == otherDepth, "\(a.shape) times \(b.shape)")
    // The number of tiles is fixed, not a multiple of the thread count, because the rounding of BLAS depends on the
    // tiles.
    let tiling = ProductTiling(rows: rows, columns: columns, depth: depth, wanted: 48)
    return Tensor(shape: [rows, columns]) { c in
      guard let a = a.readOnlyScalars.baseAddress, let b = b.readOnlyScalars.baseAddress,
        let c = c.baseAddress
      else { return }
      Parallel.forEach(tiling.count) { tile in
        let (rowRange, columnRange) = tiling.ranges(tile)
        BLAS.multiply(
          .init(
            a + rowRange.lowerBound * (transposingFirst ? 1 : depth), stride: a1, transposed: transposingFirst
          ),
          .init(
            b + columnRange.lowerBound * (transposingSecond ? depth : 1), stride: b1,
            transposed: transposingSecond),
          into: c + rowRange.lowerBound * columns + columnRange.lowerBound, stride: columns,
          rows: rowRange.count, columns: columnRange.count, depth: depth)
      }
    }
  }
}
