/// The product of two row-major matrices in double precision, by its definition.
func naiveProduct(_ a: [Double], _ b: [Double], rows: Int, depth: Int, columns: Int) -> [Double] {
  var c = [Double](repeating: 0, count: rows * columns)
  // Pointers, because a debug build checks every index of an array.
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

/// The transpose of a row-major matrix of `rows` x `columns`.
func naiveTranspose(_ a: [Double], rows: Int, columns: Int) -> [Double] {
  (0..<columns).flatMap { column in (0..<rows).map { a[$0 * columns + column] } }
}
