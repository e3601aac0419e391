/// Returns the product of two row-major matrices by definition, in double precision.
func naiveProduct(_ a: [Double], _ b: [Double], rows: Int, depth: Int, columns: Int) -> [Double] {
  var c = [Double](repeating: 0, count: rows * columns)
  // Pointers avoid the index checks of arrays in debug builds.
  c.withUnsafeMutableBufferPointer { c in
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        for i in 0..<rows {
          for k in 0..<depth {
            let factor = a[i * depth + k]
            for j in 0..<columns { c[i * columns + j] += factor * b[k * columns + j] }
          }
        }
      }
    }
  }
  return c
}

/// Returns the transpose of a row-major matrix of `rows` × `columns`.
func naiveTranspose(_ a: [Double], rows: Int, columns: Int) -> [Double] {
  (0..<columns).flatMap { column in (0..<rows).map { a[$0 * columns + column] } }
}
