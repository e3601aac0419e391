internal import CTensorKernels

// Sums accumulate in double precision, piece by piece, and are rounded once.
extension Tensor {
  /// The sum of all elements.
  public var sum: Float { Float(sumOfPieces { x, piece in ctk_sum(x, piece.count) }) }

  /// The mean of all elements; NaN if the tensor is empty.
  public var mean: Float { Float(sumOfPieces { x, piece in ctk_sum(x, piece.count) } / Double(count)) }

  /// The Euclidean norm: the square root of the sum of squares.
  public var norm: Float { Float(sumOfPieces { x, piece in ctk_dot(x, x, piece.count) }.squareRoot()) }

  /// Returns the dot product with `other`, a tensor of the same shape.
  public func dot(_ other: Tensor) -> Float {
    precondition(shape == other.shape, "\(shape) · \(other.shape)")
    return Float(sumOfPieces { x, piece in ctk_dot(x, other.address(piece.lowerBound), piece.count) })
  }

  /// Returns the mean squared difference from `other`, a tensor of the same shape.
  public func meanSquaredDifference(to other: Tensor) -> Float {
    precondition(shape == other.shape, "\(shape) - \(other.shape)")
    let sum = sumOfPieces { x, piece in
      ctk_squared_distance(x, other.address(piece.lowerBound), piece.count)
    }
    return Float(sum / Double(count))
  }

  /// The largest element; NaN if any element is NaN.
  ///
  /// The tensor must not be empty.
  public var maximum: Float {
    precondition(count > 0, "an empty tensor has no maximum")
    return ctk_maximum(address(), count)
  }

  /// The smallest element; NaN if any element is NaN.
  ///
  /// The tensor must not be empty.
  public var minimum: Float {
    precondition(count > 0, "an empty tensor has no minimum")
    return ctk_minimum(address(), count)
  }

  /// Whether all elements are finite: neither NaN nor infinite.
  public var isFinite: Bool {
    withScalars { scalars in
      scalars.withMemoryRebound(to: UInt32.self) {
        ctk_largest_magnitude_32($0.baseAddress, $0.count) < Float.infinity.bitPattern
      }
    }
  }
}

extension Variable {
  /// Returns the dot product with `other`, a tensor of the same shape, as a variable of shape [].
  public func dot(_ other: Tensor) -> Variable {
    .recorded(Tensor(repeating: value.dot(other), shape: []), from: [self]) { upstream in
      [upstream.readOnlyScalars[0] * other]
    }
  }
}
