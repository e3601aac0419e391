/// A linear layer: `x Wᵀ + bias`, row by row.
public struct Linear: Sendable {
  private let weight: WeightMatrix
  private let bias: Tensor?

  /// The length of the rows read.
  public var inputs: Int { weight.inputs }

  /// The length of the rows returned.
  public var outputs: Int { weight.outputs }

  /// A layer with weights in the order of checkpoints.
  ///
  /// - Parameters:
  ///   - weight: outputs x inputs.
  ///   - bias: one number per output.
  public init(weight: Tensor, bias: Tensor? = nil) {
    do {
      try self.init(weight: WeightSource(weight), bias: bias)
    } catch {
      preconditionFailure("a tensor can be read")
    }
  }

  /// A layer with a weight that is read from elsewhere.
  ///
  /// - Parameters:
  ///   - weight: outputs x inputs.
  ///   - bias: one number per output.
  /// - Throws: what the reading of the weight throws.
  package init(weight: WeightSource, bias: Tensor? = nil) throws {
    precondition(weight.shape.count == 2, "a weight of \(weight.shape)")
    self.weight = try WeightMatrix(weight)
    self.bias = bias
    LayerAddends(offset: bias, residual: nil).check(rows: 0, outputs: self.weight.outputs)
  }

  /// `x Wᵀ + bias + residual`.
  ///
  /// - Parameters:
  ///   - x: any shape whose last axis has length `inputs`.
  ///   - residual: added to the result, of its shape.
  /// - Returns: the shape of `x`, the last axis of length `outputs`.
  public func callAsFunction(_ x: Variable, adding residual: Variable? = nil) -> Variable {
    let y = weight.product(x.value, adding: LayerAddends(offset: bias, residual: residual?.value))
    return .recorded(y, from: x, adding: residual, pullback: weight.vectorJacobianProduct)
  }

  /// `x Wᵀ + bias`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    weight.product(x, adding: LayerAddends(offset: bias, residual: nil))
  }
}
