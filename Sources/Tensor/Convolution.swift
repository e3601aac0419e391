/// A two-dimensional convolution.
///
/// Computed as a matrix product over patches. The patches of a block of output rows are gathered at a time, so that they
/// stay in the processor's cache; the whole input is never unfolded.
public struct Convolution: Sendable {
  /// Zero padding around the input.
  public struct Padding: Sendable, Equatable {
    /// Rows above and columns to the left of the input.
    public let leading: Int
    /// Rows below and columns to the right of the input.
    public let trailing: Int

    /// Padding that differs between the sides.
    public init(leading: Int, trailing: Int) {
      self.leading = leading
      self.trailing = trailing
    }

    /// The same padding on all sides.
    public static func all(_ width: Int) -> Padding { Padding(leading: width, trailing: width) }
  }

  /// The number of input channels.
  public let inputChannels: Int
  /// The number of output channels.
  public let outputChannels: Int
  /// The side of the square kernel.
  public let kernelSize: Int
  /// The step from one output pixel to the next.
  public let stride: Int
  /// The zero padding around the input.
  public let padding: Padding

  /// outputs x (kernel rows, kernel columns, inputs): a patch's own order, so that a patch is a few contiguous runs.
  private let weight: WeightMatrix
  private let bias: Tensor?

  /// A convolution with weights in the order of checkpoints.
  ///
  /// - Parameters:
  ///   - weight: outputs x inputs x kernel rows x kernel columns.
  ///   - bias: one number per output.
  public init(weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Padding) {
    precondition(weight.shape.count == 4 && weight.shape[2] == weight.shape[3], "a kernel of \(weight.shape)")
    outputChannels = weight.shape[0]
    inputChannels = weight.shape[1]
    kernelSize = weight.shape[2]
    self.stride = stride
    self.padding = padding
    self.weight = WeightMatrix(Self.patchOrder(weight))
    self.bias = bias
    LayerAddends(offset: bias, residual: nil).check(rows: 0, outputs: outputChannels)
  }

  /// The kernel with the inputs of one tap side by side; the storage is shared if there is only one tap.
  private static func patchOrder(_ kernel: Tensor) -> Tensor {
    let (outputs, inputs, taps) = (kernel.shape[0], kernel.shape[1], kernel.shape[2] * kernel.shape[3])
    guard taps > 1 else { return kernel.reshaped([outputs, inputs]) }
    return Tensor(shape: [outputs, taps * inputs]) { packed in
      let source = kernel.readOnlyScalars
      for o in 0..<outputs {
        for i in 0..<inputs {
          for tap in 0..<taps {
            packed[(o * taps + tap) * inputs + i] = source[(o * inputs + i) * taps + tap]
          }
        }
      }
    }
  }

  /// The side of the output for an input side of `length`.
  public func outputLength(_ length: Int) -> Int {
    (length + padding.leading + padding.trailing - kernelSize) / stride + 1
  }

  private var isPointwise: Bool { kernelSize == 1 && stride == 1 && padding == .all(0) }

  /// The convolution of a feature map of height x width x channels.
  ///
  /// - Parameters:
  ///   - x: the feature map.
  ///   - residual: added to the result, of its shape.
  ///   - channelOffset: one number per output channel, added at every pixel (a time embedding).
  public func callAsFunction(
    _ x: Variable, adding residual: Variable? = nil, channelOffset: Tensor? = nil
  ) -> Variable {
    precondition(
      x.value.shape3.2 == inputChannels, "\(x.shape) into a convolution of \(inputChannels) channels")
    let addends = LayerAddends(offset: offset(channelOffset), residual: residual?.value)
    if isPointwise {
      return .recorded(
        weight.product(x.value, adding: addends), from: x, adding: residual,
        pullback: weight.vectorJacobianProduct)
    }
    let grid = PatchGrid(self, height: x.shape[0], width: x.shape[1])
    return .recorded(
      product(x.value, over: grid, adding: addends), from: x, adding: residual,
      pullback: { vectorJacobianProduct($0, over: grid) })
  }

  private func offset(_ channelOffset: Tensor?) -> Tensor? {
    guard let bias, let channelOffset else { return bias ?? channelOffset }
    return bias + channelOffset
  }

  /// The product of the patches of `x`, gathered block by block, with the weight.
  private func product(_ x: Tensor, over grid: PatchGrid, adding addends: LayerAddends) -> Tensor {
    let (outputs, depth) = (weight.outputs, weight.inputs)
    addends.check(rows: grid.pixelCount, outputs: outputs)
    return Tensor(shape: [grid.rows, grid.columns, outputs]) { y in
      guard let y = y.baseAddress, let x = x.address() else { return }
      Parallel.forEach(grid.tileCount) { tile in
        let (rows, channels) = grid.tile(tile)
        let pixels = rows.lowerBound * grid.columns..<rows.upperBound * grid.columns
        let y = y + pixels.lowerBound * outputs + channels.lowerBound
        addends.fill(y, rows: pixels, outputs: channels, of: outputs)
        withScratch(pixels.count * depth) { patches in
          grid.gather(x, rows: rows, into: patches)
          weight.multiplyTile(
            patches, rows: pixels.count, outputs: channels, into: y, accumulates: !addends.isEmpty)
        }
      }
    }
  }

  /// The gradient at the input: each input pixel sums the gradients of all patches it is part of.
  private func vectorJacobianProduct(_ upstream: Tensor, over grid: PatchGrid) -> Tensor {
    let patches = weight.vectorJacobianProduct(upstream)
    return Tensor(shape: [grid.height, grid.width, inputChannels]) { x in
      guard let x = x.baseAddress, let patches = patches.address() else { return }
      Parallel.forEachRange(of: grid.height, grain: max(1, 1 << 15 / (grid.width * weight.inputs))) { rows in
        grid.collect(patches, into: x, rows: rows)
      }
    }
  }
}
