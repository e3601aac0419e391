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

  /// The gradient at the first node of `seed`-weighted node `index`.
  ///
  /// Runs once: operations are freed from the end while it goes, so that activations die as early as they can.
  func gradientOfLeaf(from index: Int, seed: Tensor) -> Tensor? {
    var gradients: [Int: Tensor] = [index: seed]
    while operations.count > 1 {
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
    return gradients[0]
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
  let leaf = Variable(point, node: tape.record(parents: [], pullback: { _ in [] }))
  let result = try function(leaf)
  precondition(result.value.count == 1, "the gradient of \(result.shape) is not a vector")
  let (node, shape) = (result.node, result.shape)
  return (
    result.value.readOnlyScalars[0],
    {
      let seed = Tensor(repeating: 1, shape: shape)
      return node.flatMap { tape.gradientOfLeaf(from: $0.index, seed: seed) } ?? Tensor(zeros: point.shape)
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
