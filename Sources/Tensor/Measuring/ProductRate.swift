extension BLAS {
  /// How fast this machine multiplies matrices: operations a second of square products, two for a multiply-add.
  ///
  /// Each thread multiplies some rows of one product, as everywhere; the best of some runs counts.
  package static func productRate(side: Int = 2048, runs: Int = 5) -> Double {
    precondition(side > 0 && runs > 0, "\(runs) products of \(side) rows")
    let a = Tensor(repeating: 0.5, shape: [side, side])
    let b = Tensor(repeating: 0.25, shape: [side, side])
    let clock = ContinuousClock()
    let times = (0..<runs).map { _ in
      clock.measure {
        _ = Tensor(shape: [side, side]) { c in
          guard let c = c.baseAddress, let a = a.address(), let b = b.address() else { return }
          Parallel.forEachRange(of: side, grain: (side - 1) / Parallel.threadCount + 1) { rows in
            multiply(
              .init(a + rows.lowerBound * side, stride: side), .init(b, stride: side),
              into: c + rows.lowerBound * side, stride: side, rows: rows.count, columns: side, depth: side)
          }
        }
      }
    }
    let seconds = (times.min() ?? .zero) / .seconds(1)
    return 2 * Double(side * side * side) / max(seconds, .leastNormalMagnitude)
  }
}
