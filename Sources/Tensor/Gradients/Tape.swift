/// The record of one differentiated computation: each operation's parents and its vector-Jacobian product, in the
/// order they were made.
final class Tape {
  /// A place on a tape.
  struct Node {
    let tape: Tape
    let index: Int

    /// Puts something around the pullback of this node's operation.
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

  /// A variable that nothing is computed of yet; those of a tape come before all its operations.
  func leaf(_ value: Tensor) -> Variable {
    Variable(value, node: record(parents: [], pullback: { _ in [] }))
  }

  /// The gradients at the first `count` nodes, which are leaves, of the node `index` weighted by `seed`.
  ///
  /// Runs once: operations are freed from the end while it goes, so that activations die as early as they can.
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

/// The value of `function` at `point`, and how to get its gradient there.
///
/// The gradient costs nothing until it is asked for, which can be done once.
///
/// - Parameter function: from a tracked variable to a variable of one scalar.
/// - Returns: The scalar, and a function that gives a tensor of `point`'s shape.
/// - Throws: what `function` throws.
public func valueAndPullback<E: Error>(
  at point: Tensor, of function: (Variable) throws(E) -> Variable
) throws(E) -> (value: Float, gradient: () -> Tensor) {
  let tape = Tape()
  let result = try function(tape.leaf(point))
  precondition(result.value.count == 1, "the gradient of \(result.shape) is not a vector")
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

/// The value of `function` at `point`, and its gradient there.
///
/// - Parameter function: from a tracked variable to a variable of one scalar.
/// - Returns: The scalar, and a tensor of `point`'s shape (zeros where the result does not depend on it).
/// - Throws: what `function` throws.
public func valueAndGradient<E: Error>(
  at point: Tensor, of function: (Variable) throws(E) -> Variable
) throws(E) -> (value: Float, gradient: Tensor) {
  let (value, gradient) = try valueAndPullback(at: point, of: function)
  return (value, gradient())
}

extension Variable {
  /// The result of `function`, which is computed a second time when a gradient is asked for: of the first time only the
  /// inputs are kept.
  ///
  /// - Parameters:
  ///   - inputs: all variables that `function` reads; it must read none that is tracked but through its argument.
  ///   - function: gives the same result whenever it is called.
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
