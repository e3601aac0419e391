/// The signature of a C kernel that computes y := f(x) for a count of elements.
typealias UnaryKernel = (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int) -> Void

/// The signature of a C kernel that computes z := f(x, y) for a count of elements.
///
/// Also used for dx := f(x, dy), the vector-Jacobian product of a unary kernel.
typealias BinaryKernel = (
  UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int
) -> Void

extension Parallel {
  /// The number of elements in a piece of work: enough to hide the cost of dispatch to a thread, few enough for the L2
  /// cache.
  static let pieceLength = 32_768

  /// Returns the number of rows in a piece of work if the work on a row equals that on `length` elements.
  static func rowGrain(length: Int) -> Int { max(1, pieceLength / max(length, 1)) }
}

extension Tensor {
  /// Returns the address of the element at `offset`.
  ///
  /// The address is valid while this tensor exists; closures must capture the tensor.
  package func address(_ offset: Int = 0) -> UnsafePointer<Float>? {
    readOnlyScalars.baseAddress.map { $0 + offset }
  }

  /// Creates a tensor piece by piece: `kernel` gets the address of each piece and its range of elements.
  init(shape: [Int], formingPieces kernel: (UnsafeMutablePointer<Float>?, Range<Int>) -> Void) {
    self.init(shape: shape) { scalars in
      Parallel.forEachRange(of: scalars.count, grain: Parallel.pieceLength) { piece in
        kernel(scalars.baseAddress.map { $0 + piece.lowerBound }, piece)
      }
    }
  }

  /// Creates a tensor from blocks of rows: `kernel` gets the address of the first row and the range of rows.
  ///
  /// - Parameter rowWork: The work on a row, in elements. The default is the row length.
  init(
    shape: [Int], rowWork: Int? = nil, formingRows kernel: (UnsafeMutablePointer<Float>?, Range<Int>) -> Void
  ) {
    let length = shape.last ?? 1
    self.init(shape: shape) { scalars in
      let count = length == 0 ? 0 : scalars.count / length
      Parallel.forEachRange(of: count, grain: Parallel.rowGrain(length: rowWork ?? length)) { rows in
        kernel(scalars.baseAddress.map { $0 + rows.lowerBound * length }, rows)
      }
    }
  }

  /// Returns the result of `kernel` on this tensor, in the same shape.
  func mapped(_ kernel: UnaryKernel) -> Tensor {
    Tensor(shape: shape, formingPieces: { y, piece in kernel(y, address(piece.lowerBound), piece.count) })
  }

  /// Returns the result of `kernel` on this tensor and another of the same shape.
  func mapped(with other: Tensor, _ kernel: BinaryKernel) -> Tensor {
    precondition(shape == other.shape, "\(shape) and \(other.shape) are different shapes")
    return Tensor(
      shape: shape,
      formingPieces: { z, piece in
        kernel(z, address(piece.lowerBound), other.address(piece.lowerBound), piece.count)
      })
  }

  /// Returns the sum of `kernel` over all pieces of this tensor, added in order.
  ///
  /// `kernel` gets the address of each piece and its range of elements.
  func sumOfPieces(_ kernel: (UnsafePointer<Float>?, Range<Int>) -> Double) -> Double {
    let grain = Parallel.pieceLength
    let sums = [Double](unsafeUninitializedCapacity: (count + grain - 1) / grain) { sums, initializedCount in
      Parallel.forEachRange(of: count, grain: grain) { piece in
        sums[piece.lowerBound / grain] = kernel(address(piece.lowerBound), piece)
      }
      initializedCount = (count + grain - 1) / grain
    }
    return sums.reduce(0, +)
  }
}
