public import Tensor
public import Testing

/// Returns the gradient of `function` at `point` by central differences.
///
/// In double precision with steps of about 1e-5, the error is about 1e-10 for functions of moderate curvature.
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

/// Expects that an operation matches an independent implementation in double precision, and that its vector-Jacobian
/// product matches central differences of that implementation.
///
/// The product uses a random vector of the result's size.
///
/// - Parameters:
///   - operation: The operation under test.
///   - point: The point where it is tested.
///   - reference: Computes the scalars of the result from those of `point`.
///   - valueError: The largest relative error of the value (`relativeError`).
///   - gradientError: The largest relative error of the gradient.
///   - comment: A description for failure messages.
///   - sourceLocation: The location of the call.
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

/// Returns the vector-Jacobian product of an operation: its gradient at `point` for the gradient `upstream` of its
/// result.
public func vectorJacobianProduct(
  of operation: (Variable) -> Variable, at point: Tensor, upstream: Tensor
) -> Tensor {
  valueAndGradient(at: point) { operation($0).dot(upstream) }.gradient
}

extension Tensor {
  /// Creates a tensor from numbers rounded to single precision.
  public init(rounding scalars: [Double], shape: [Int]) {
    self.init(scalars.map { Float($0) }, shape: shape)
  }

  /// The scalars in double precision, for reference computations.
  public var doubles: [Double] { scalars.map(Double.init) }

  /// Returns normally distributed numbers that depend only on shape and seed.
  public static func random(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
    var source = RandomSource(seed: seed)
    return source.normal(shape: shape)
  }
}
