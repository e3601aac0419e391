internal import CTensorKernels

/// A linear layer: `x Wᵀ + bias`, row by row.
public struct Linear: Sendable {
  private let weight: WeightMatrix
  private let bias: Tensor?

  /// The row length of the input.
  public var inputs: Int { weight.inputs }

  /// The row length of the output.
  public var outputs: Int { weight.outputs }

  /// Creates a layer with weights in the layout of checkpoints.
  ///
  /// - Parameters:
  ///   - weight: outputs × inputs.
  ///   - bias: One number per output.
  public init(weight: Tensor, bias: Tensor? = nil) {
    do {
      try self.init(weight: WeightSource(weight), bias: bias)
    } catch {
      preconditionFailure("reading a tensor cannot fail")
    }
  }

  /// Creates a layer with a weight that is read from a source.
  ///
  /// - Parameters:
  ///   - weight: outputs × inputs.
  ///   - bias: One number per output.
  /// - Throws: The errors of reading the weight.
  package init(weight: WeightSource, bias: Tensor? = nil) throws {
    precondition(weight.shape.count == 2, "a weight of \(weight.shape)")
    self.weight = try WeightMatrix(weight)
    self.bias = bias
    LayerAddends(offset: bias, residual: nil).check(rows: 0, outputs: self.weight.outputs)
  }

  /// Returns `x Wᵀ + bias + residual`.
  ///
  /// - Parameters:
  ///   - x: Any shape whose last axis has length `inputs`.
  ///   - residual: An addend of the result's shape.
  /// - Returns: The shape of `x` with a last axis of length `outputs`.
  public func callAsFunction(_ x: Variable, adding residual: Variable? = nil) -> Variable {
    Profile.measure(work(.linear, x)) {
      let y = weight.product(x.value, adding: LayerAddends(offset: bias, residual: residual?.value))
      return .recorded(y, from: x, adding: residual, pullback: weight.vectorJacobianProduct)
    }
  }

  private func work(_ kind: Profile.Kind, _ x: Variable) -> Profile.Work {
    .product(
      kind, rows: x.value.rowCount, depth: inputs, columns: outputs, inputCount: x.value.count,
      weightBytes: weight.byteCount, isTracked: x.isTracked)
  }

  /// Returns `x Wᵀ + bias`.
  public func callAsFunction(_ x: Tensor) -> Tensor { callAsFunction(Variable(x)).value }

  /// Returns the gated GELU of `x Wᵀ + bias`, as defined by `Variable.geglu()`.
  ///
  /// If no gradient will be computed, the product is computed in pieces that stay in the cache and is never stored as a
  /// whole.
  ///
  /// - Returns: The shape of `x` with a last axis of length `outputs` / 2.
  public func geglu(_ x: Variable) -> Variable {
    let half = outputs / 2
    guard !x.isTracked, half.isMultiple(of: ProductTiling.columnUnit), x.value.rowLength == inputs else {
      return self(x).geglu()
    }
    return Profile.measure(work(.linearGEGLU, x)) { gated(x, half: half) }
  }

  /// The number of outputs of a gated GELU that are computed at a time.
  private static let gatedAtATime = 64

  private func gated(_ x: Variable, half: Int) -> Variable {
    let value = x.value
    let tiling = ProductTiling(rows: value.rowCount, columns: half, depth: 2 * inputs)
    return Variable(
      Tensor(shape: x.shape.dropLast() + [half]) { y in
        guard let y = y.baseAddress, let x = value.address() else { return }
        Parallel.forEach(tiling.count) { tile in
          let (rows, columns) = tiling.ranges(tile)
          withScratch(rows.count * 2 * Self.gatedAtATime) { product in
            for first in stride(from: columns.lowerBound, to: columns.upperBound, by: Self.gatedAtATime) {
              let values = first..<min(columns.upperBound, first + Self.gatedAtATime)
              let width = values.count
              for (outputs, start) in [
                (values, 0), (half + values.lowerBound..<half + values.upperBound, width),
              ] {
                weight.multiplyTile(
                  x + rows.lowerBound * inputs, rows: rows.count, outputs: outputs, into: product + start,
                  stride: 2 * width, offset: bias)
              }
              ctk_geglu_rows(y + rows.lowerBound * half + first, half, product, rows.count, width)
            }
          }
        }
      })
  }
}
