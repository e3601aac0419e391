public import Tensor
public import Testing

/// The gradient of `function` at `point` by central differences.
///
/// In double precision with steps of about 1e-5 the error is near 1e-10 for functions of moderate curvature.
public func centralDifferences(
  of function: ([Double]) -> Double, at point: [Double], step: Double = 1e-5
) -> [Double] {
  point.indices.map { i in
    var moved = point
    moved[i] = point[i] + step
    let ahead = function(moved)
    moved[i] = point[i] - step
    return (ahead - function(moved)) / (2 * step)
  }
}

/// Expects an operation to give what an independent implementation gives in double precision, and its
/// vector-Jacobian product to agree with central differences of that implementation.
///
/// The product is taken with random numbers, one for each number of the result.
///
/// - Parameters:
///   - operation: the operation under test.
///   - point: where it is tested.
///   - reference: from `point`'s scalars to the result's.
///   - valueError: the largest relative error of the value (`relativeError`).
///   - gradientError: the largest relative error of the gradient.
public func expectAgreement(
  of operation: (Variable) -> Variable, at point: Tensor, with reference: ([Double]) -> [Double],
  valueError: Double = 2e-6, gradientError: Double = 1e-5, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let scalars = point.doubles
  let result = operation(Variable(point)).value
  let expected = Tensor(rounding: reference(scalars), shape: result.shape)
  expectClose(result, expected, relative: valueError, comment, sourceLocation: sourceLocation)

  var random = RandomSource(seed: UInt64(result.count))
  let weights = random.normal(shape: result.shape)
  let gradient = vectorJacobianProduct(of: operation, at: point, upstream: weights)
  let differences = centralDifferences(
    of: { zip(reference($0), weights.scalars).reduce(0) { $0 + $1.0 * Double($1.1) } }, at: scalars)
  expectClose(
    gradient, Tensor(rounding: differences, shape: point.shape), relative: gradientError,
    comment.map { "gradient of \($0)" } ?? "gradient", sourceLocation: sourceLocation)
}

/// The vector-Jacobian product of an operation: the gradient at `point` for the gradient `upstream` at its result.
public func vectorJacobianProduct(
  of operation: (Variable) -> Variable, at point: Tensor, upstream: Tensor
) -> Tensor {
  valueAndGradient(at: point) { operation($0).dot(upstream) }.gradient
}

extension Tensor {
  /// A tensor of numbers rounded to single precision.
  public init(rounding scalars: [Double], shape: [Int]) {
    self.init(scalars.map { Float($0) }, shape: shape)
  }

  /// The scalars in double precision, for the arithmetic of a reference.
  public var doubles: [Double] { scalars.map(Double.init) }

  /// Normally distributed numbers, the same for the same shape and seed.
  public static func random(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
    var source = RandomSource(seed: seed)
    return source.normal(shape: shape)
  }
}
