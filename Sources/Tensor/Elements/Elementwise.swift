internal import CTensorKernels

extension Tensor {
  /// Adds `other` elementwise; the shapes must be equal.
  public static func += (sum: inout Tensor, other: Tensor) {
    precondition(sum.shape == other.shape, "\(sum.shape) + \(other.shape)")
    sum.withMutableScalars { sum in
      Parallel.forEachRange(of: sum.count, grain: Parallel.pieceLength) { piece in
        ctk_add(
          sum.baseAddress.map { $0 + piece.lowerBound }, other.address(piece.lowerBound), piece.count)
      }
    }
  }

  /// Returns the elementwise sum of two tensors of the same shape.
  public static func + (x: Tensor, y: Tensor) -> Tensor { combination(1, x, 1, y) }

  /// Returns the elementwise difference of two tensors of the same shape.
  public static func - (x: Tensor, y: Tensor) -> Tensor {
    x.mapped(with: y) { ctk_scaled_difference($0, 1, $1, $2, $3) }
  }

  /// Returns the elementwise product of two tensors of the same shape.
  public static func * (x: Tensor, y: Tensor) -> Tensor { x.mapped(with: y, ctk_multiply) }

  /// Returns the tensor with each element multiplied by `factor`.
  public static func * (factor: Float, x: Tensor) -> Tensor { x.mapped { ctk_scale($0, factor, $1, $2) } }

  /// Returns the tensor with each element multiplied by `factor`.
  public static func * (x: Tensor, factor: Float) -> Tensor { factor * x }

  /// Returns `a` x + `b` y, elementwise, for two tensors of the same shape, in one pass.
  public static func combination(_ a: Float, _ x: Tensor, _ b: Float, _ y: Tensor) -> Tensor {
    x.mapped(with: y) { ctk_combine($0, a, $1, b, $2, $3) }
  }
}

extension Variable {
  /// Returns the elementwise sum of two variables of the same shape.
  public static func + (x: Variable, y: Variable) -> Variable {
    let (xIsTracked, yIsTracked) = (x.isTracked, y.isTracked)
    return .recorded(x.value + y.value, from: [x, y]) { [xIsTracked ? $0 : nil, yIsTracked ? $0 : nil] }
  }

  /// Returns the elementwise difference of two variables of the same shape.
  public static func - (x: Variable, y: Variable) -> Variable {
    let (xIsTracked, yIsTracked) = (x.isTracked, y.isTracked)
    return .recorded(x.value - y.value, from: [x, y]) { [xIsTracked ? $0 : nil, yIsTracked ? -1 * $0 : nil] }
  }

  /// Returns the elementwise product of two variables of the same shape.
  public static func * (x: Variable, y: Variable) -> Variable {
    let forX = x.isTracked ? y.value : nil
    let forY = y.isTracked ? x.value : nil
    return .recorded(x.value * y.value, from: [x, y]) { upstream in
      [forX.map { upstream * $0 }, forY.map { upstream * $0 }]
    }
  }

  /// Returns the variable with each element multiplied by `factor`.
  public static func * (factor: Float, x: Variable) -> Variable {
    .recorded(factor * x.value, from: [x]) { [factor * $0] }
  }

  /// Returns the variable with each element multiplied by `factor`.
  public static func * (x: Variable, factor: Float) -> Variable { factor * x }

  /// Returns `a` x + `b` y, elementwise, for two variables of the same shape, in one pass.
  public static func combination(_ a: Float, _ x: Variable, _ b: Float, _ y: Variable) -> Variable {
    let (xIsTracked, yIsTracked) = (x.isTracked, y.isTracked)
    return .recorded(.combination(a, x.value, b, y.value), from: [x, y]) {
      [xIsTracked ? a * $0 : nil, yIsTracked ? b * $0 : nil]
    }
  }
}
