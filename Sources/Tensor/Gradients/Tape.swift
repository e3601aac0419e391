/// The record of one differentiated computation: the parents and the vector-Jacobian product of each operation, in
/// order.
final class Tape {
  /// A position on a tape.
  struct Node {
    let tape: Tape
    let index: Int

    /// Replaces the pullback of this node's operation with the result of `wrap` for it.
    func wrapPullback(_ wrap: (@escaping (Tensor) -> [Tensor?]) -> (Tensor) -> [Tensor?]) {
      tape.operations[index].pullback = wrap(tape.operations[index].pullback)
    }
  }

  private struct Operation {
    let parents: [Int?]
    var pullback: (Tensor) -> [Tensor?]
  }

  private var operations: [Operation] = []

  func record(parents: [Int?], pullback: @escaping (Tensor) -> [Tensor?]) -> Node {
    operations.append(Operation(parents: parents, pullback: pullback))
    return Node(tape: self, index: operations.count - 1)
  }

  /// Adds an input of the computation; all inputs must be added before the first operation.
  func leaf(_ value: Tensor) -> Variable {
    Variable(value, node: record(parents: [], pullback: { _ in [] }))
  }

  /// Returns the gradients of node `index`, weighted by `seed`, with respect to the first `count` nodes, which are
  /// leaves.
  ///
  /// Can be called only once: the backward pass removes each operation from the tape, last to first, so that
  /// activations are freed as early as possible.
  func gradients(ofFirst count: Int, from index: Int, seed: Tensor) -> [Tensor?] {
    var gradients: [Int: Tensor] = [index: seed]
    while operations.count > count {
      let operation = operations.removeLast()
      guard let upstream = gradients.removeValue(forKey: operations.count) else { continue }
      for (parent, gradient) in zip(operation.parents, operation.pullback(upstream)) {
        guard let parent, let gradient else { continue }
        if var sum = gradients.removeValue(forKey: parent) {
          sum += gradient
          gradients[parent] = sum
        } else {
          gradients[parent] = gradient
        }
      }
    }
    operations = []
    return (0..<count).map { gradients[$0] }
  }
}

/// Returns the value of `function` at `point` and a function that computes the gradient there.
///
/// The gradient costs nothing until it is computed. It can be computed only once.
///
/// - Parameters:
///   - point: The value of the tracked variable.
///   - function: A function from the tracked variable to a variable with one element.
/// - Returns: The value, and a function that returns the gradient: a tensor of `point`'s shape.
/// - Throws: The errors of `function`.
public func valueAndPullback<E: Error>(
  at point: Tensor, of function: (Variable) throws(E) -> Variable
) throws(E) -> (value: Float, gradient: () -> Tensor) {
  let tape = Tape()
  let result = try function(tape.leaf(point))
  precondition(result.value.count == 1, "the result has the shape \(result.shape), but must have one element")
  let (node, shape) = (result.node, result.shape)
  return (
    result.value.readOnlyScalars[0],
    {
      let seed = Tensor(repeating: 1, shape: shape)
      let gradient = node.flatMap { tape.gradients(ofFirst: 1, from: $0.index, seed: seed)[0] }
      return gradient ?? Tensor(zeros: point.shape)
    }
  )
}

/// Returns the value and the gradient of `function` at `point`.
///
/// - Parameters:
///   - point: The value of the tracked variable.
///   - function: A function from the tracked variable to a variable with one element.
/// - Returns: The value and the gradient, a tensor of `point`'s shape (zero if the result does not depend on the
///   variable).
/// - Throws: The errors of `function`.
public func valueAndGradient<E: Error>(
  at point: Tensor, of function: (Variable) throws(E) -> Variable
) throws(E) -> (value: Float, gradient: Tensor) {
  let (value, gradient) = try valueAndPullback(at: point, of: function)
  return (value, gradient())
}

extension Variable {
  /// Returns the result of `function`, which runs again when the gradient is computed (gradient checkpointing).
  ///
  /// The first run keeps only the inputs, not the activations.
  ///
  /// - Parameters:
  ///   - inputs: All variables that `function` reads. It must read tracked variables only through its argument.
  ///   - function: A function that returns the same result in every call.
  public static func recomputed(
    from inputs: [Variable], _ function: @escaping ([Variable]) -> Variable
  ) -> Variable {
    guard inputs.contains(where: \.isTracked) else { return function(inputs) }
    let constants = inputs.map { Variable($0.value) }
    let tracked = inputs.indices.filter { inputs[$0].isTracked }
    return .recorded(function(constants).value, from: inputs) { upstream in
      let tape = Tape()
      var variables = constants
      for index in tracked { variables[index] = tape.leaf(constants[index].value) }
      var gradients = [Tensor?](repeating: nil, count: constants.count)
      guard let node = function(variables).node else { return gradients }
      let found = tape.gradients(ofFirst: tracked.count, from: node.index, seed: upstream)
      for (index, gradient) in zip(tracked, found) { gradients[index] = gradient }
      return gradients
    }
  }
}
