// Convolutions whose input is cheap to compute: with Winograd, the input is computed in pieces that stay in the cache
// and is never stored as a whole.

extension Convolution {
  /// Returns whether a 3x3 convolution of stride 1 over a map of this size computes its input in pieces.
  package static func formsInputInPieces(height: Int, width: Int, channels: Int, outputs: Int) -> Bool {
    Winograd.pays(height: height, width: width, channels: channels, outputs: outputs)
  }

  /// Returns the convolution of a group norm's result.
  ///
  /// - Parameters:
  ///   - x: The map to normalize: height × width × channels.
  ///   - norm: The group norm.
  ///   - thenSiLU: Whether SiLU follows the norm.
  ///   - residual: An addend of the result's shape.
  ///   - channelOffset: One number per output channel, added at every pixel (a time embedding).
  /// - Returns: output height × output width × output channels.
  public func callAsFunction(
    normalizing x: Variable, by norm: GroupNorm, thenSiLU: Bool, adding residual: Variable? = nil,
    channelOffset: Tensor? = nil
  ) -> Variable {
    let (height, width, channels) = x.value.shape3
    guard channels == inputChannels, norm.channels == channels,
      let winograd = winograd(height: height, width: width)
    else { return self(norm(x, thenSiLU: thenSiLU), adding: residual, channelOffset: channelOffset) }
    return Profile.measure(work(.normConvolution, x, height: height, width: width)) {
      let addends = LayerAddends(offset: offset(channelOffset), residual: residual?.value)
      addends.check(rows: height * width, outputs: outputChannels)
      let evaluation = norm.evaluation(x.value, thenSiLU: thenSiLU)
      let result = winograd(adding: addends, evaluation.input(width: width))
      return .recorded(result, from: x, adding: residual) {
        evaluation.gradient(upstream: vectorJacobianProduct($0, height: height, width: width))
      }
    }
  }

  /// Returns the convolution of a part of a group norm's result.
  ///
  /// - Parameters:
  ///   - x: Some rows of the map to normalize: rows × width × channels.
  ///   - statistics: The statistics of the whole map.
  package func callAsFunction(
    normalizing x: Tensor, by norm: GroupNorm, _ statistics: GroupStatistics, thenSiLU: Bool
  ) -> Tensor {
    let evaluation = norm.evaluation(x, thenSiLU: thenSiLU, statistics: statistics)
    let (height, width, _) = x.shape3
    guard let winograd = winograd(height: height, width: width) else {
      return self(Variable(evaluation.result())).value
    }
    return Profile.measure(work(.normConvolution, Variable(x), height: height, width: width)) {
      Variable(
        winograd(adding: LayerAddends(offset: offset(nil), residual: nil), evaluation.input(width: width)))
    }.value
  }

  /// Adds the convolution of a group norm's result to a map, in place if the map's storage is not shared.
  ///
  /// - Parameters:
  ///   - x: The map to normalize: height × width × channels.
  ///   - y: The map to add to, of the result's shape.
  package func add(normalizing x: Tensor, by norm: GroupNorm, thenSiLU: Bool, to y: inout Tensor) {
    let (height, width, _) = x.shape3
    guard y.ownsItsStorage, let winograd = winograd(height: height, width: width) else {
      y = self(normalizing: Variable(x), by: norm, thenSiLU: thenSiLU, adding: Variable(y)).value
      return
    }
    LayerAddends(offset: nil, residual: y).check(rows: height * width, outputs: outputChannels)
    _ = Profile.measure(work(.normConvolution, Variable(x), height: height, width: width)) {
      let evaluation = norm.evaluation(x, thenSiLU: thenSiLU)
      y.withMutableScalars { y in
        guard let y = y.baseAddress else { return }
        winograd.write(to: y, offset: offset(nil)?.address(), residual: y, evaluation.input(width: width))
      }
      return Variable(x)
    }
  }

  /// Returns the convolution of a feature map after a nearest-neighbor resize (`Variable.upsampled`).
  ///
  /// - Parameters:
  ///   - x: height × width × channels.
  ///   - newHeight: The height after the resize.
  ///   - newWidth: The width after the resize.
  /// - Returns: output height × output width × output channels.
  public func callAsFunction(upsampling x: Variable, toHeight newHeight: Int, width newWidth: Int) -> Variable
  {
    guard x.value.rowLength == inputChannels, let winograd = winograd(height: newHeight, width: newWidth)
    else {
      return self(x.upsampled(toHeight: newHeight, width: newWidth))
    }
    return Profile.measure(work(.upsamplingConvolution, x, height: newHeight, width: newWidth)) {
      let resize = NearestResize(of: x.shape, toHeight: newHeight, width: newWidth)
      let value = x.value
      let addends = LayerAddends(offset: offset(nil), residual: nil)
      let result = winograd(adding: addends) { rows, columns, scratch in
        resize.write(rows: rows, columns: columns, of: value, into: scratch)
        return (UnsafePointer(scratch), columns.count * inputChannels)
      }
      return .recorded(result, from: [x]) {
        [resize.vectorJacobianProduct(vectorJacobianProduct($0, height: newHeight, width: newWidth))]
      }
    }
  }
}

extension GroupNorm.Evaluation {
  /// Returns an input that computes rectangles of the result when they are needed.
  ///
  /// - Parameter width: The width of the map in pixels.
  fileprivate func input(width: Int) -> Winograd.Input {
    { rows, columns, scratch in
      let length = columns.count * channels
      for (i, row) in rows.enumerated() {
        let pixels = row * width + columns.lowerBound..<row * width + columns.upperBound
        write(pixels, into: scratch + i * length)
      }
      return (UnsafePointer(scratch), length)
    }
  }
}
