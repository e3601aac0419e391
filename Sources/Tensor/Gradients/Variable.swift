/// A tensor in a computation that may be differentiated.
///
/// Layers are written once, over variables. A variable made from a tensor is a constant: operations on constants
/// give constants and record nothing, so inference is the same code at no cost. `valueAndGradient(at:of:)` hands its
/// function a tracked variable; whatever depends on it is recorded on a tape together with its vector-Jacobian
/// product.
public struct Variable {
  /// The number this variable stands for.
  public let value: Tensor

  let node: Tape.Node?

  /// A constant.
  public init(_ value: Tensor) {
    self.value = value
    node = nil
  }

  init(_ value: Tensor, node: Tape.Node) {
    self.value = value
    self.node = node
  }

  /// Whether a gradient will be asked of this variable.
  public var isTracked: Bool { node != nil }

  /// The length of each axis, outermost first.
  public var shape: [Int] { value.shape }

  /// The result of an operation on `inputs`, and the way back.
  ///
  /// - Parameter pullback: given the gradient with respect to `value`, the gradient with respect to each input, in
  ///   their order. It may give nil for an input that is not tracked, and must capture no more than it needs:
  ///   what it holds stays in memory until the tape has run back over it.
  /// - Returns: A constant if no input is tracked; the pullback is then dropped unseen.
  public static func recorded(
    _ value: Tensor, from inputs: [Variable], pullback: @escaping (_ upstream: Tensor) -> [Tensor?]
  ) -> Variable {
    guard let tape = inputs.lazy.compactMap({ $0.node?.tape }).first else { return Variable(value) }
    return Variable(value, node: tape.record(parents: inputs.map { $0.node?.index }, pullback: pullback))
  }
}
