internal import COpenBLAS

/// Single-threaded matrix products, computed by CBLAS; no other type calls it.
///
/// `Parallel` distributes products over the processors, so the first use disables the threads of OpenBLAS for the
/// process.
package enum BLAS {
  /// A row-major matrix in memory: its address and row stride, and whether it is transposed before the product.
  package struct Matrix {
    let base: UnsafePointer<Float>
    let stride: Int
    let isTransposed: Bool

    package init(_ base: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
      self.base = base
      self.stride = stride
      isTransposed = transposed
    }

    package init(_ base: UnsafeMutablePointer<Float>, stride: Int, transposed: Bool = false) {
      self.init(UnsafePointer(base), stride: stride, transposed: transposed)
    }
  }

  /// Computes `c := scale * a b + (accumulates ? c : 0)`.
  ///
  /// After transposition, `a` is `rows` × `depth` and `b` is `depth` × `columns`.
  package static func multiply(
    _ a: Matrix, _ b: Matrix, into c: UnsafeMutablePointer<Float>, stride: Int,
    rows: Int, columns: Int, depth: Int, scale: Float = 1, accumulates: Bool = false
  ) {
    guard rows > 0, columns > 0 else { return }
    precondition(isSound, unsoundMessage)
    cblas_sgemm(
      CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
      blasint(rows), blasint(columns), blasint(depth), scale, a.base, blasint(a.stride), b.base,
      blasint(b.stride),
      accumulates ? 1 : 0, c, blasint(stride))
  }

  /// Whether OpenBLAS computes correct products on this processor; old builds may not on new processors.
  package static let isSound: Bool = {
    // OpenBLAS reserves 128 MiB of address space for each thread that multiplies, and retries forever if the system
    // refuses.
    SystemMemory.requireAvailable(byteCount: Parallel.threadCount << 27)
    openblas_set_num_threads(1)
    // Sizes below and above the limit of the small-matrix kernels, with edges in every direction.
    let sizes = [(4, 8, 5), (33, 50, 70), (130, 260, 400)]
    for (rows, columns, depth) in sizes {
      for (transposesA, transposesB) in [(false, false), (false, true), (true, false)] {
        guard agreesWithPlainLoop(rows, columns, depth, transposesA, transposesB) else { return false }
      }
    }
    return true
  }()

  /// The error message when `isSound` is false.
  package static let unsoundMessage = """
    The installed OpenBLAS computes wrong products on this processor. Install a newer OpenBLAS, or set the environment \
    variable OPENBLAS_CORETYPE to an older processor type (for example Haswell) before the program starts.
    """

  private static func agreesWithPlainLoop(
    _ rows: Int, _ columns: Int, _ depth: Int, _ transposesA: Bool, _ transposesB: Bool
  ) -> Bool {
    // Sums of small integers are exact in any order.
    let a = (0..<rows * depth).map { Float(($0 * 7) % 11) - 5 }
    let b = (0..<depth * columns).map { Float(($0 * 5) % 13) - 6 }
    var c = [Float](repeating: .nan, count: rows * columns)
    cblas_sgemm(
      CblasRowMajor, transposesA ? CblasTrans : CblasNoTrans, transposesB ? CblasTrans : CblasNoTrans,
      blasint(rows), blasint(columns), blasint(depth), 1, a, blasint(transposesA ? rows : depth), b,
      blasint(transposesB ? depth : columns), 0, &c, blasint(columns))
    for i in 0..<rows {
      for j in 0..<columns {
        var sum: Float = 0
        for k in 0..<depth {
          sum +=
            (transposesA ? a[k * rows + i] : a[i * depth + k])
            * (transposesB ? b[j * depth + k] : b[k * columns + j])
        }
        if c[i * columns + j] != sum { return false }
      }
    }
    return true
  }
}
