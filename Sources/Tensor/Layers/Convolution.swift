/// A two-dimensional convolution.
///
/// 3x3 kernels of stride 1 use `Winograd` where it is faster. Otherwise the convolution is a matrix product over
/// patches (im2col); the patches of a block of output rows are gathered at a time, so that they stay in the cache.
public struct Convolution: Sendable {
  /// Zero padding around the input.
  public struct Padding: Sendable, Equatable {
    /// The number of zero rows above and columns to the left of the input.
    public let leading: Int
    /// The number of zero rows below and columns to the right of the input.
    public let trailing: Int

    /// Creates padding that may differ between the sides.
    public init(leading: Int, trailing: Int) {
      self.leading = leading
      self.trailing = trailing
    }

    /// Returns the same padding for all sides.
    public static func all(_ width: Int) -> Padding { Padding(leading: width, trailing: width) }
  }

  /// The number of input channels.
  public let inputChannels: Int
  /// The number of output channels.
  public let outputChannels: Int
  /// The side length of the square kernel.
  public let kernelSize: Int
  /// The step between output pixels, in input pixels.
  public let stride: Int
  /// The zero padding around the input.
  public let padding: Padding

  /// outputs × (kernel rows, kernel columns, inputs): the order of a patch, so that a patch is a few contiguous runs.
  private let weight: WeightMatrix
  private let bias: Tensor?

  /// Creates a convolution with weights in the layout of checkpoints.
  ///
  /// - Parameters:
  ///   - weight: outputs × inputs × kernel rows × kernel columns.
  ///   - bias: One number per output.
  ///   - stride: The step between output pixels, in input pixels.
  ///   - padding: The zero padding around the input.
  public init(weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Padding) {
    do {
      try self.init(weight: WeightSource(weight), bias: bias, stride: stride, padding: padding)
    } catch {
      preconditionFailure("reading a tensor cannot fail")
    }
  }

  /// Creates a convolution with a weight that is read from a source.
  ///
  /// - Parameters:
  ///   - weight: outputs × inputs × kernel rows × kernel columns.
  ///   - bias: One number per output.
  /// - Throws: The errors of reading the weight.
  package init(
    weight: WeightSource, bias: Tensor?, stride: Int = 1, padding: Padding
  ) throws {
    let shape = weight.shape
    precondition(shape.count == 4 && shape[2] == shape[3], "a kernel of \(shape)")
    outputChannels = shape[0]
    inputChannels = shape[1]
    kernelSize = shape[2]
    self.stride = stride
    self.padding = padding
    self.weight = try WeightMatrix(weight)
    self.bias = bias
    LayerAddends(offset: bias, residual: nil).check(rows: 0, outputs: outputChannels)
  }

  /// Returns the side length of the output for an input side length.
  public func outputLength(_ length: Int) -> Int {
    (length + padding.leading + padding.trailing - kernelSize) / stride + 1
  }

  private var isPointwise: Bool { kernelSize == 1 && stride == 1 && padding == .all(0) }

  /// Returns the convolution of a feature map of height × width × channels.
  ///
  /// - Parameters:
  ///   - x: The feature map.
  ///   - residual: An addend of the result's shape.
  ///   - channelOffset: One number per output channel, added at every pixel (a time embedding).
  /// - Returns: output height × output width × output channels.
  public func callAsFunction(
    _ x: Variable, adding residual: Variable? = nil, channelOffset: Tensor? = nil
  ) -> Variable {
    let kind: Profile.Kind =
      kernelSize == 3 ? .convolution3x3 : kernelSize == 1 ? .convolution1x1 : .otherConvolution
    return Profile.measure(work(kind, x, height: x.shape[0], width: x.shape[1])) {
      evaluated(x, adding: residual, channelOffset: channelOffset)
    }
  }

  /// - Parameters:
  ///   - height: The height of the convolved map.
  ///   - width: The width of the convolved map.
  func work(_ kind: Profile.Kind, _ x: Variable, height: Int, width: Int) -> Profile.Work {
    let (height, width) = (outputLength(height), outputLength(width))
    return .product(
      kind, rows: height * width, grid: .init(height: height, width: width),
      depth: kernelSize * kernelSize * inputChannels, columns: outputChannels, inputCount: x.value.count,
      weightBytes: weight.byteCount, isTracked: x.isTracked)
  }

  private func evaluated(_ x: Variable, adding residual: Variable?, channelOffset: Tensor?) -> Variable {
    precondition(
      x.value.shape3.2 == inputChannels, "\(x.shape) into a convolution of \(inputChannels) channels")
    let addends = LayerAddends(offset: offset(channelOffset), residual: residual?.value)
    if isPointwise {
      return .recorded(
        weight.product(x.value, adding: addends), from: x, adding: residual,
        pullback: weight.vectorJacobianProduct)
    }
    let (height, width) = (x.shape[0], x.shape[1])
    let result: Tensor
    if let winograd = winograd(height: height, width: width) {
      addends.check(rows: height * width, outputs: outputChannels)
      result = winograd(x.value, adding: addends)
    } else {
      result = product(x.value, over: PatchGrid(self, height: height, width: width), adding: addends)
    }
    return .recorded(
      result, from: x, adding: residual, pullback: { vectorJacobianProduct($0, height: height, width: width) }
    )
  }

  private var isMinimal: Bool { kernelSize == 3 && stride == 1 && padding == .all(1) }

  /// Returns the Winograd convolution for a map of this size if it is faster.
  func winograd(height: Int, width: Int) -> Winograd? {
    winograd(
      height: height, width: width, channels: inputChannels, outputs: outputChannels, kernels: weight.kernels)
  }

  /// Returns the adjoint of `winograd(height:width:)`: the kernels are rotated by 180°, inputs and outputs exchanged.
  private func winogradAdjoint(height: Int, width: Int) -> Winograd? {
    winograd(
      height: height, width: width, channels: outputChannels, outputs: inputChannels,
      kernels: weight.adjointKernels)
  }

  private func winograd(
    height: Int, width: Int, channels: Int, outputs: Int, kernels: @escaping Winograd.Kernels
  ) -> Winograd? {
    guard isMinimal, Winograd.pays(height: height, width: width, channels: channels, outputs: outputs) else {
      return nil
    }
    return Winograd(height: height, width: width, channels: channels, outputs: outputs, kernels: kernels)
  }

  func offset(_ channelOffset: Tensor?) -> Tensor? {
    guard let bias, let channelOffset else { return bias ?? channelOffset }
    return bias + channelOffset
  }

  /// Returns the product of the patches of `x`, gathered block by block, with the weight.
  private func product(_ x: Tensor, over grid: PatchGrid, adding addends: LayerAddends) -> Tensor {
    let (outputs, depth) = (weight.outputs, weight.inputs)
    addends.check(rows: grid.pixelCount, outputs: outputs)
    return Tensor(shape: [grid.rows, grid.columns, outputs]) { y in
      guard let y = y.baseAddress, let x = x.address() else { return }
      Parallel.forEach(grid.tileCount) { tile in
        let (rows, channels) = grid.tile(tile)
        let pixels = rows.lowerBound * grid.columns..<rows.upperBound * grid.columns
        withScratch(pixels.count * depth) { patches in
          grid.gather(x, rows: rows, into: patches)
          weight.multiplyTile(patches, rows: pixels, outputs: channels, into: y, adding: addends)
        }
      }
    }
  }

  /// Returns the gradient with respect to the input.
  func vectorJacobianProduct(_ upstream: Tensor, height: Int, width: Int) -> Tensor {
    if let adjoint = winogradAdjoint(height: height, width: width) {
      return adjoint(upstream, adding: .none)
    }
    // Each input pixel sums the gradients of all patches that contain it.
    let grid = PatchGrid(self, height: height, width: width)
    let patches = weight.vectorJacobianProduct(upstream)
    return Tensor(shape: [height, width, inputChannels]) { x in
      guard let x = x.baseAddress, let patches = patches.address() else { return }
      Parallel.forEachRange(of: height, grain: max(1, 1 << 15 / (width * weight.inputs))) { rows in
        grid.collect(patches, into: x, rows: rows)
      }
    }
  }
}
