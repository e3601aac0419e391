// Convolutions of what is cheap to form: where minimal filtering pays, it is formed in pieces that stay in the cache, and
// never held whole.

extension Convolution {
  /// Whether a 3x3 convolution of stride 1 over a map of this size forms what it reads in pieces.
  package static func formsInputInPieces(height: Int, width: Int, channels: Int, outputs: Int) -> Bool {
    Winograd.pays(height: height, width: width, channels: channels, outputs: outputs)
  }

  /// The convolution of a group norm's result.
  ///
  /// - Parameters:
  ///   - x: what is normalised: height x width x channels.
  ///   - norm: the norm.
  ///   - thenSiLU: whether the SiLU follows the norm.
  ///   - residual: added to the result, of its shape.
  ///   - channelOffset: one number per output channel, added at every pixel (a time embedding).
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

  /// The convolution of a part of a group norm's result.
  ///
  /// - Parameters:
  ///   - x: some rows of the map that is normalised: rows x width x channels.
  ///   - statistics: of the whole map.
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

  /// Adds the convolution of a group norm's result to a map, in place if nothing else holds its memory.
  ///
  /// - Parameters:
  ///   - y: of the result's shape.
  ///   - x: what is normalised: height x width x channels.
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

  /// The convolution of a feature map after a nearest-neighbour resize (`Variable.upsampled`).
  ///
  /// - Parameters:
  ///   - x: height x width x channels.
  ///   - newHeight: the height after the resize.
  ///   - newWidth: the width after the resize.
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
  /// Rectangles of the result, formed when they are needed.
  ///
  /// - Parameter width: of the map, in pixels.
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
