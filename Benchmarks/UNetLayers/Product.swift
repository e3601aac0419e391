import CBLASOfBenchmarks
import Tensor

/// Products computed by cblas_sgemm alone, with the number of products and threads of a layer, for comparison.
struct Product {
  let rows: Int
  let columns: Int
  let depth: Int
  let count: Int
  private let a: [Float]
  private let b: [Float]
  private var c: [Float]

  init(rows: Int, columns: Int, depth: Int, count: Int = 1) {
    (self.rows, self.columns, self.depth, self.count) = (rows, columns, depth, count)
    a = Array(repeating: 0.5, count: rows * depth)
    b = Array(repeating: 0.25, count: columns * depth)
    c = Array(repeating: 0, count: rows * columns)
  }

  /// Computes `c := a bᵀ`, with b in the layout of a layer's weight.
  ///
  /// The library disables OpenBLAS's threads, so they are enabled for this call and disabled again.
  mutating func multiply() {
    openblas_set_num_threads(CInt(Parallel.threadCount))
    defer { openblas_set_num_threads(1) }
    for _ in 0..<count {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(rows), blasint(columns), blasint(depth), 1, a,
        blasint(depth), b, blasint(depth), 0, &c, blasint(columns))
    }
  }
}
