extension BLAS {
  /// Returns the rate of BLAS matrix products on this machine, in operations per second (two per multiply-add).
  ///
  /// Multiplies square matrices of `side` rows; each thread computes some rows of a product. Returns the best of `runs`
  /// runs.
  package static func productRate(side: Int = 2048, runs: Int = 5) -> Double {
    precondition(side > 0 && runs > 0, "\(runs) products of \(side) rows")
    let a = Tensor(repeating: 0.5, shape: [side, side])
    let b = Tensor(repeating: 0.25, shape: [side, side])
    return bestRate(operations: 2 * side * side * side, runs: runs) {
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
}

extension Linear {
  /// Returns the rate of linear layers of this size on this machine, in operations per second (two per multiply-add).
  ///
  /// Returns the best of `runs` runs.
  package static func productRate(rows: Int, channels: Int, runs: Int) -> Double {
    precondition(rows > 0 && channels > 0 && runs > 0, "\(runs) products of \(rows) rows")
    let layer = Linear(weight: Tensor(repeating: 0.25, shape: [channels, channels]))
    let input = Tensor(repeating: 0.5, shape: [rows, channels])
    return bestRate(operations: 2 * rows * channels * channels, runs: runs) { _ = layer(input) }
  }
}

/// Returns the operations per second of the fastest run.
private func bestRate(operations: Int, runs: Int, _ body: () -> Void) -> Double {
  let clock = ContinuousClock()
  let seconds = ((0..<runs).map { _ in clock.measure(body) }.min() ?? .zero) / .seconds(1)
  return Double(operations) / max(seconds, .leastNormalMagnitude)
}
