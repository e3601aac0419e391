public import Tensor
public import Testing

/// Returns the relative error of `actual`: the norm of the difference divided by the norm of `expected`.
///
/// Sums are computed in double precision. If `expected` is zero, the result is the norm of `actual`; numbers that are
/// not finite make it infinite.
public func relativeError(_ actual: Tensor, _ expected: Tensor) -> Double {
  precondition(actual.shape == expected.shape, "\(actual.shape) against \(expected.shape)")
  var difference = 0.0
  var norm = 0.0
  for (a, b) in zip(actual.scalars, expected.scalars) {
    difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
    norm += Double(b) * Double(b)
  }
  guard difference.isFinite, norm.isFinite else { return .infinity }
  return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
}

/// Expects that two tensors have the same shape and a `relativeError` of at most `relative`.
///
/// A failure shows the shapes, the error, and the element with the largest deviation and its neighbors:
///
///     [16, 16, 8]: relative error 0.0132, more than 0.0001
///     farthest at [3, 0, 7]: 0.413 instead of -1.2 (2048 elements, 130 beyond the tolerance)
///       [3, 0, 5]      0.551      0.551
///       [3, 0, 6]     -0.127     -0.127
///     > [3, 0, 7]      0.413       -1.2
///       [3, 1, 0]      2.004      2.004
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, relative: Double = 1e-4, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let failure = difference(actual, expected, relative: relative) else { return }
  let text = comment.map { "\($0.rawValue): \(failure)" } ?? failure
  Issue.record(Comment(rawValue: text), sourceLocation: sourceLocation)
}

/// Returns the failure message of `expectClose`, or nil if the tensors are close.
package func difference(_ actual: Tensor, _ expected: Tensor, relative: Double) -> String? {
  guard actual.shape == expected.shape else { return "shape \(actual.shape) instead of \(expected.shape)" }
  let error = relativeError(actual, expected)
  if error <= relative { return nil }
  let (a, b) = (actual.scalars, expected.scalars)
  // NaN counts as an infinite deviation.
  let gaps = zip(a, b).map { abs($0 - $1).isNaN ? Float.infinity : abs($0 - $1) }
  let worst = gaps.indices.max { gaps[$0] < gaps[$1] } ?? 0
  let norm = expected.scalars.reduce(0.0) { $0 + Double($1) * Double($1) }
  let allowed = Float(relative * (norm / Double(max(expected.count, 1))).squareRoot())
  let beyond = gaps.count { $0 > allowed }
  var lines = [
    "\(expected.shape): relative error \(short(error)), more than \(relative)",
    "farthest at \(place(worst, in: expected.shape)): \(a[worst]) instead of \(b[worst])"
      + " (\(a.count) elements, \(beyond) beyond the tolerance)",
  ]
  for i in max(0, worst - 2)..<min(a.count, worst + 3) {
    let numbers = [a[i], b[i]].map { padded(short(Double($0))) }.joined(separator: " ")
    lines.append("\(i == worst ? ">" : " ") \(place(i, in: expected.shape)) \(numbers)")
  }
  return lines.joined(separator: "\n")
}

/// Returns the index along each axis of the element at `offset` in row-major order.
private func place(_ offset: Int, in shape: [Int]) -> [Int] {
  var rest = offset
  return Array(
    shape.reversed().map { length in
      defer { rest /= length }
      return rest % length
    }.reversed())
}

/// Formats a number with four significant digits.
private func short(_ number: Double) -> String {
  guard number.isFinite, number != 0 else { return "\(number)" }
  var scale = 1.0
  while abs(number) * scale < 1000 { scale *= 10 }
  return "\((number * scale).rounded() / scale)"
}

private func padded(_ text: String) -> String {
  String(repeating: " ", count: max(0, 10 - text.count)) + text
}
