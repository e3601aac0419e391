/// y := f(x) for a number of scalars, as the C kernels take it.
typealias UnaryKernel = (UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, Int) -> Void

/// z := f(x, y) for a number of scalars; also dx := f(x, dy), the vector-Jacobian product of a unary kernel.
typealias BinaryKernel = (
  UnsafeMutablePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?, Int
) -> Void

extension Parallel {
  /// The number of scalars in a piece of work: enough to hide the cost of the handover to a thread, few enough for a
  /// second-level cache.
  static let pieceLength = 32_768

  /// The number of rows in a piece of work if a row takes the work of `length` scalars.
  static func rowGrain(length: Int) -> Int { max(1, pieceLength / max(length, 1)) }
}

extension Tensor {
  /// The address of the scalar at `offset`, valid as long as this tensor lives; closures must capture the tensor.
  package func address(_ offset: Int = 0) -> UnsafePointer<Float>? {
    readOnlyScalars.baseAddress.map { $0 + offset }
  }

  /// A tensor whose scalars `kernel` writes piece by piece, given the address of each piece and its place.
  init(shape: [Int], formingPieces kernel: (UnsafeMutablePointer<Float>?, Range<Int>) -> Void) {
    self.init(shape: shape) { scalars in
      Parallel.forEachRange(of: scalars.count, grain: Parallel.pieceLength) { piece in
        kernel(scalars.baseAddress.map { $0 + piece.lowerBound }, piece)
      }
    }
  }

  /// A tensor whose rows `kernel` writes, some at a time, given the address of the first and their places.
  ///
  /// - Parameter rowWork: the work on a row in scalars; the length of a row unless given.
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

  /// The result of `kernel` in this tensor's shape.
  func mapped(_ kernel: UnaryKernel) -> Tensor {
    Tensor(shape: shape, formingPieces: { y, piece in kernel(y, address(piece.lowerBound), piece.count) })
  }

  /// The result of `kernel` on this tensor and one of the same shape.
  func mapped(with other: Tensor, _ kernel: BinaryKernel) -> Tensor {
    precondition(shape == other.shape, "\(shape) and \(other.shape) do not go together number by number")
    return Tensor(
      shape: shape,
      formingPieces: { z, piece in
        kernel(z, address(piece.lowerBound), other.address(piece.lowerBound), piece.count)
      })
  }

  /// The sum of `kernel` over pieces of this tensor, given the address of each and its place; added in their order.
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
