internal import CTensorKernels

/// The weights of a two-dimensional convolution and how it walks over a picture.
///
/// The seam for other algorithms: whoever computes a convolution asks this value, and nobody else knows how the weights
/// lie. Here it is a matrix product over patches gathered a block of output rows at a time, so that the patches stay in
/// the processor's cache and no picture is ever unfolded as a whole.
public struct Convolution: Sendable {
  /// Rows of zeros that are thought around the picture.
  public struct Padding: Sendable, Equatable {
    /// Before the first row and column.
    public let leading: Int
    /// After the last row and column.
    public let trailing: Int

    /// Padding before and after.
    public init(leading: Int, trailing: Int) {
      self.leading = leading
      self.trailing = trailing
    }

    /// The same on all sides.
    public static func all(_ width: Int) -> Padding { Padding(leading: width, trailing: width) }
  }

  /// The number of channels read.
  public let inputChannels: Int
  /// The number of channels made.
  public let outputChannels: Int
  /// The side of the square kernel.
  public let kernelSize: Int
  /// The step from one output pixel to the next.
  public let stride: Int
  /// The zeros around the picture.
  public let padding: Padding

  /// outputs x (kernel rows, kernel columns, inputs): a patch's own order, so that a patch is a few contiguous runs.
  private let weight: Tensor
  private let bias: Tensor?

  /// A convolution with weights as checkpoints store them.
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
    self.bias = bias
    let (outputs, inputs, taps) = (outputChannels, inputChannels, kernelSize * kernelSize)
    guard taps > 1 else {
      self.weight = weight.reshaped([outputs, inputs])
      return
    }
    self.weight = Tensor(shape: [outputs, taps * inputs]) { packed in
      let source = weight.readOnlyScalars
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

  /// The convolution of a picture of height x width x channels.
  ///
  /// - Parameters:
  ///   - channelOffset: one more number per output channel, added everywhere (a time embedding).
  ///   - residual: added to the result, of its shape.
  public func callAsFunction(
    _ x: Variable, adding residual: Variable? = nil, channelOffset: Tensor? = nil
  ) -> Variable {
    let y = apply(x.value, adding: residual?.value, channelOffset: channelOffset)
    let inputShape = x.shape
    guard let residual else {
      return .recorded(y, from: [x]) { [applyTransposed($0, inputShape: inputShape)] }
    }
    let tracksInput = x.isTracked
    return .recorded(y, from: [x, residual]) {
      [tracksInput ? applyTransposed($0, inputShape: inputShape) : nil, $0]
    }
  }

  private func apply(_ x: Tensor, adding residual: Tensor?, channelOffset: Tensor?) -> Tensor {
    let (height, width, channels) = x.shape3
    precondition(channels == inputChannels, "\(x.shape) into a convolution of \(inputChannels) channels")
    var offset = bias
    if let channelOffset { offset = offset.map { $0 + channelOffset } ?? channelOffset }
    if isPointwise { return x.linear(weight, bias: offset, adding: residual) }

    let (outputs, depth) = weight.shape2
    let grid = PatchGrid(self, height: height, width: width)
    precondition(
      residual.map { $0.count == grid.pixelCount * outputs } ?? true, "a residual of another shape")
    let adds = offset != nil || residual != nil
    return Tensor(shape: [grid.rows, grid.columns, outputs]) { y in
      guard let y = y.baseAddress, let x = x.readOnlyScalars.baseAddress,
        let w = weight.readOnlyScalars.baseAddress
      else { return }
      let offset = offset?.readOnlyScalars.baseAddress
      let residual = residual?.readOnlyScalars.baseAddress
      Parallel.forEach(grid.tileCount) { tile in
        let (rows, channels) = grid.tile(tile)
        let pixels = rows.count * grid.columns
        let first = rows.lowerBound * grid.columns * outputs + channels.lowerBound
        if adds {
          ctk_fill_rows(
            y + first, offset.map { $0 + channels.lowerBound }, residual.map { $0 + first }, pixels,
            channels.count,
            outputs, outputs)
        }
        withScratch(pixels * depth) { patches in
          grid.gather(x, rows: rows, into: patches)
          BLAS.multiply(
            .init(patches, stride: depth),
            .init(w + channels.lowerBound * depth, stride: depth, transposed: true),
            into: y + first, stride: outputs, rows: pixels, columns: channels.count, depth: depth,
            accumulates: adds)
        }
      }
    }
  }

  /// The vector-Jacobian product: the gradient at the input from the gradient at the output.
  private func applyTransposed(_ upstream: Tensor, inputShape: [Int]) -> Tensor {
    if isPointwise { return upstream.linear(transposed: weight) }
    let (outputs, depth) = weight.shape2
    let grid = PatchGrid(self, height: inputShape[0], width: inputShape[1])
    let patches = Tensor.product(upstream.reshaped([grid.pixelCount, outputs]), weight)
    return Tensor(shape: inputShape) { x in
      guard let x = x.baseAddress, let patches = patches.readOnlyScalars.baseAddress else { return }
      Parallel.forEachRange(of: grid.height, grain: max(1, 1 << 15 / (grid.width * depth))) { rows in
        grid.collect(patches, into: x, rows: rows)
      }
    }
  }
}
