internal import Tensor

/// A penalty on the distance between the null embedding ∅ and a center c: λ times the mean of (∅ − c)².
struct EmbeddingPenalty {
  /// The weight λ.
  let weight: Double
  /// The center c, tokens x channels.
  let center: Tensor

  /// Returns the penalty of an embedding.
  func callAsFunction(_ embedding: Tensor) -> Float {
    Float(weight) * embedding.meanSquaredDifference(to: center)
  }
}

extension NullTextOptimizer {
  /// Performs one Gauss-Newton step by conjugate gradients for least squares.
  ///
  /// With the resulting latent linearized in the embedding, the error is r + J p after a step p, and loss plus
  /// penalty is quadratic in p. Each iteration minimizes it along a direction conjugate to the previous ones. A probe
  /// at a small distance along the direction gives J p as a difference; its backward pass gives the next gradient.
  /// The actual latent is evaluated once, after all iterations. If loss plus penalty has increased there, a shorter
  /// step is tried once: the minimum of the parabola through both values with the slope of the quadratic. If this
  /// fails too, the step is discarded.
  func withGaussNewton(
    _ start: Step, _ loss: NullTextLoss, _ limit: Double, _ innerSteps: Int, _ penalty: EmbeddingPenalty?,
    _ afterEach: (Int, Float) -> Void
  ) throws -> Step {
    var step = start
    let begin = try loss.linearized(at: start.embedding) { $0 - loss.target }
    let value = begin.landing.meanSquaredDifference(to: loss.target)
    _ = step.keepBetter(start.embedding, begin.landing, value)
    if Double(value) < limit || innerSteps == 0 { return step }

    let (errors, pulls) = (
      1 / Float(loss.target.count), Float(penalty?.weight ?? 0) / Float(start.embedding.count)
    )
    var embedding = start.embedding
    var (error, product) = (begin.weight, begin.product)
    var (direction, lastSlope): (Tensor?, Float) = (nil, 0)
    while step.updates < innerSteps {
      let distance = penalty.map { embedding - $0.center }
      var gradient = product()
      if let distance { gradient = .combination(1, gradient, pulls, distance) }
      let slope = gradient.dot(gradient)
      guard slope > 0 else { break }
      var next = gradient * -1
      if let direction { next = .combination(1, next, slope / lastSlope, direction) }
      (direction, lastSlope) = (next, slope)

      let reach = reach(along: next, from: start.embedding)
      var length: Float = 0
      func errorAfterStep(_ probe: Tensor) -> Tensor {
        let change = (probe - begin.landing) * (1 / reach)
        let pull = distance.map { pulls * $0.dot(next) } ?? 0
        let curvature = errors * change.dot(change) + pulls * next.dot(next)
        length = curvature > 0 ? -(errors * error.dot(change) + pull) / curvature : 0
        return .combination(1, error, length, change)
      }
      let point = Tensor.combination(1, start.embedding, reach, next)
      // The last iteration needs no gradient.
      if step.updates < innerSteps - 1 {
        let probe = try loss.linearized(at: point, errorAfterStep)
        (error, product) = (probe.weight, probe.product)
      } else {
        error = errorAfterStep(try loss.landing(point))
      }
      embedding = .combination(1, embedding, length, next)
      step.updates += 1
      afterEach(step.updates, value)
    }
    guard step.updates > 0 else { return step }

    func total(_ measured: Float, _ embedding: Tensor) -> Float { measured + (penalty?(embedding) ?? 0) }
    let before = total(value, start.embedding)
    /// Returns the increase of loss plus penalty at an embedding, and accepts the embedding if it is negative.
    func grow(to embedding: Tensor) throws -> Float {
      let landed = try loss.landing(embedding)
      let reached = landed.meanSquaredDifference(to: loss.target)
      step.losses.append(reached)
      let growth = total(reached, embedding) - before
      if growth < 0 { (step.embedding, step.latent, step.loss) = (embedding, landed, reached) }
      return growth
    }
    let growth = try grow(to: embedding)
    guard growth >= 0 else { return step }
    // From its start to its minimum, a quadratic decreases by half of its initial slope.
    let slope = 2 * (total(errors * error.dot(error), embedding) - before)
    let share = -slope / (2 * (growth - slope))
    _ = try grow(to: .combination(1 - share, start.embedding, share, embedding))
    return step
  }

  /// Returns the factor of a direction for its probe.
  func reach(along direction: Tensor, from embedding: Tensor) -> Float {
    reach * embedding.norm / direction.norm
  }
}
