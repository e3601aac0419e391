import Tensor
import TestSupport

/// Returns a scale near one and a shift for each of `count` channels.
func normParameters(_ count: Int) -> (scale: Tensor, shift: Tensor) {
  (1 + 0.3 * Tensor.random([count], seed: 11), Tensor.random([count], seed: 12))
}

/// Returns the tensor with `offset` added to each element.
func + (offset: Float, x: Tensor) -> Tensor { Tensor(repeating: offset, shape: x.shape) + x }

/// Returns the group norm by definition, for rows with one channel per scale.
func naiveGroupNorm(
  _ x: [Double], groups: Int, _ scale: [Float], _ shift: [Float], epsilon: Double
) -> [Double] {
  let channels = scale.count
  let width = channels / groups
  var y = x
  for group in 0..<groups {
    let members = x.indices.filter { $0 % channels / width == group }
    let mean = members.reduce(0) { $0 + x[$1] } / Double(members.count)
    let variance = members.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(members.count)
    for i in members {
      let channel = i % channels
      y[i] =
        (x[i] - mean) / (variance + epsilon).squareRoot() * Double(scale[channel]) + Double(shift[channel])
    }
  }
  return y
}

/// Returns the gradient of `naiveGroupNorm` with respect to x by its analytic formula, given the upstream gradient
/// `dy`.
func naiveGroupNormGradient(
  _ x: [Double], _ dy: [Double], groups: Int, _ scale: [Float], epsilon: Double
) -> [Double] {
  let channels = scale.count
  let width = channels / groups
  var dx = x
  for group in 0..<groups {
    let members = x.indices.filter { $0 % channels / width == group }
    let n = Double(members.count)
    let mean = members.reduce(0) { $0 + x[$1] } / n
    let variance = members.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / n
    let deviation = (variance + epsilon).squareRoot()
    let d = members.map { dy[$0] * Double(scale[$0 % channels]) }
    let standard = members.map { (x[$0] - mean) / deviation }
    let meanOfD = d.reduce(0, +) / n
    let meanOfProducts = zip(d, standard).reduce(0) { $0 + $1.0 * $1.1 } / n
    for (k, i) in members.enumerated() { dx[i] = (d[k] - meanOfD - standard[k] * meanOfProducts) / deviation }
  }
  return dx
}
