/// A tensor in a computation that may be differentiated.
///
/// Layers are written once, for variables. A variable made from a tensor is a constant: operations on constants return
/// constants and record nothing, so inference uses the same code at no extra cost. `valueAndGradient(at:of:)` passes a
/// tracked variable to its function; a tape records everything that depends on it, with the vector-Jacobian products.
public struct Variable {
  /// The value of the variable.
  public let value: Tensor

  let node: Tape.Node?

  /// Creates a constant.
  public init(_ value: Tensor) {
    self.value = value
    node = nil
  }

  init(_ value: Tensor, node: Tape.Node) {
    self.value = value
    self.node = node
  }

  /// Whether a gradient will be computed with respect to this variable.
  public var isTracked: Bool { node != nil }

  /// The length of each axis, outermost first.
  public var shape: [Int] { value.shape }

  /// Returns the result of an operation on `inputs` and records its vector-Jacobian product.
  ///
  /// - Parameters:
  ///   - value: The result of the operation.
  ///   - inputs: The operands.
  ///   - pullback: Returns the gradient with respect to each input, in order, given the gradient with respect to
  ///     `value`. It may return nil for an input that is not tracked. It must capture no more than it needs: captured
  ///     tensors stay in memory until the backward pass has run over the operation.
  /// - Returns: A tracked variable, or a constant if no input is tracked; the pullback is then discarded.
  public static func recorded(
    _ value: Tensor, from inputs: [Variable], pullback: @escaping (_ upstream: Tensor) -> [Tensor?]
  ) -> Variable {
    guard let tape = inputs.lazy.compactMap({ $0.node?.tape }).first else { return Variable(value) }
    return Variable(value, node: tape.record(parents: inputs.map { $0.node?.index }, pullback: pullback))
  }
}
