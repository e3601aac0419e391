internal import COpenBLAS

/// Matrix products, one thread each: the only file that calls CBLAS.
///
/// `Parallel` spreads products over the processors, so the library's own threads are switched off once, at the first
/// use, and never on again.
package enum BLAS {
  /// A row-major matrix somewhere in memory: where it begins, and how far its rows are apart.
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

  /// `c := scale * a b + (accumulates ? c : 0)` for `a` of `rows` x `depth` and `b` of `depth` x `columns`, both as
  /// they are after their transposition.
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

  /// Whether this BLAS computes rightly on this processor; old builds on new processors may not.
  package static let isSound: Bool = {
    openblas_set_num_threads(1)
    // Sizes on both sides of the small-matrix kernels, with edges in every direction, in each transposition.
    let sizes = [(4, 8, 5), (33, 50, 70), (130, 260, 400)]
    for (rows, columns, depth) in sizes {
      for (transposesA, transposesB) in [(false, false), (false, true), (true, false)] {
        guard agreesWithPlainLoop(rows, columns, depth, transposesA, transposesB) else { return false }
      }
    }
    return true
  }()

  /// What to say when `isSound` is false.
  package static let unsoundMessage = """
    The installed OpenBLAS computes wrong products on this processor. Install a newer OpenBLAS, or set the environment \
    variable OPENBLAS_CORETYPE to an older processor type (for example Haswell) before the program starts.
    """

  private static func agreesWithPlainLoop(
    _ rows: Int, _ columns: Int, _ depth: Int, _ transposesA: Bool, _ transposesB: Bool
  ) -> Bool {
    // Small whole numbers: sums are exact, so any order of adding gives the same.
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

/// How a product is cut into tiles: along its rows or its columns, by its shape alone.
struct ProductTiling {
  let rowsPerTile: Int
  let columnsPerTile: Int
  private let tilesAcross: Int
  private let rows: Int
  private let columns: Int

  let count: Int

  init(rows: Int, columns: Int, depth: Int) {
    // A tile of a million multiply-adds takes some ten microseconds: less is not worth handing over.
    let tiles = min(32, max(1, (rows * columns * depth) >> 20))
    self.rows = rows
    self.columns = columns
    if rows >= columns || rows >= 512 {
      rowsPerTile = Self.part(of: rows, by: tiles)
      columnsPerTile = columns
    } else {
      rowsPerTile = rows
      columnsPerTile = Self.part(of: columns, by: tiles)
    }
    tilesAcross = (columns + columnsPerTile - 1) / max(columnsPerTile, 1)
    count = tilesAcross * ((rows + rowsPerTile - 1) / max(rowsPerTile, 1))
  }

  /// An even share of `length`, in sixteens, so that kernels meet few edges, and not so thin that packing the other
  /// factor costs more than the product.
  private static func part(of length: Int, by tiles: Int) -> Int {
    let share = (length + tiles - 1) / tiles
    return min(length, max(64, (share + 15) / 16 * 16))
  }

  func ranges(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (down, across) = index.quotientAndRemainder(dividingBy: tilesAcross)
    let row = down * rowsPerTile
    let column = across * columnsPerTile
    return (row..<min(rows, row + rowsPerTile), column..<min(columns, column + columnsPerTile))
  }
}

extension Tensor {
  /// The product of two matrices, either taken transposed.
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
    let tiling = ProductTiling(rows: rows, columns: columns, depth: depth)
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
