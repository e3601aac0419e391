import CBLASOfBenchmarks
import Tensor

/// Products by cblas_sgemm alone, to compare layers with: as many as a layer makes, on as many threads.
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

  /// `c := a bᵀ`, as a layer's weight lies.
  ///
  /// The library switches OpenBLAS's threads off, so they are switched on for this and off again.
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
