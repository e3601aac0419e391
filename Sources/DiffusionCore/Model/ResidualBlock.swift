internal import Tensor

/// A residual block with two normalized convolutions and a shortcut (`ResnetBlock2D` of diffusers).
struct ResidualBlock: Sendable {
  private let norm1: GroupNorm
  private let conv1: Convolution
  private let timeProjection: Linear?
  private let norm2: GroupNorm
  private let conv2: Convolution
  private let shortcut: Convolution?
  private let outputScale: Float

  /// - Parameters:
  ///   - weights: The weights of the block.
  ///   - inputs: The number of input channels.
  ///   - outputs: The number of output channels.
  ///   - timeChannels: The width of the time embedding; nil for a block without one.
  ///   - groups: The number of groups of the group norms.
  ///   - epsilon: The constant added to the variance in the group norms.
  ///   - outputScale: The divisor of the sum.
  init(
    _ weights: WeightScope, inputs: Int, outputs: Int, timeChannels: Int?, groups: Int, epsilon: Float,
    outputScale: Float = 1
  ) throws {
    norm1 = try GroupNorm(weights["norm1"], channels: inputs, groups: groups, epsilon: epsilon)
    conv1 = try Convolution(weights["conv1"], inputs: inputs, outputs: outputs)
    timeProjection = try timeChannels.map {
      try Linear(weights["time_emb_proj"], inputs: $0, outputs: outputs)
    }
    norm2 = try GroupNorm(weights["norm2"], channels: outputs, groups: groups, epsilon: epsilon)
    conv2 = try Convolution(weights["conv2"], inputs: outputs, outputs: outputs)
    shortcut =
      inputs == outputs
      ? nil : try Convolution(weights["conv_shortcut"], inputs: inputs, outputs: outputs, size: 1)
    self.outputScale = outputScale
  }

  /// Returns the offset per channel that the time embedding adds between the two convolutions.
  ///
  /// - Parameter time: SiLU of the time embedding.
  func timeOffset(_ time: Tensor) -> Tensor? { timeProjection.map { $0(time).reshaped([norm2.channels]) } }

  /// Returns the block's output.
  ///
  /// - Parameters:
  ///   - x: The input; the block releases it as early as possible, and overwrites it if there is no other reference,
  ///     because large maps are most of the memory that an autoencoder needs.
  ///   - timeOffset: The offset per channel from the time embedding.
  func callAsFunction(_ x: consuming Variable, timeOffset: Tensor? = nil) -> Variable {
    guard x.isTracked else { return Variable(result((consume x).value, timeOffset: timeOffset)) }
    let residual = if let shortcut { shortcut(x) } else { copy x }
    let h = conv1(normalizing: consume x, by: norm1, thenSiLU: true, channelOffset: timeOffset)
    let sum = conv2(normalizing: h, by: norm2, thenSiLU: true, adding: residual)
    return outputScale == 1 ? sum : sum * (1 / outputScale)
  }

  private func result(_ x: consuming Tensor, timeOffset: Tensor?) -> Tensor {
    var y = if let shortcut { shortcut(Variable(copy x)).value } else { copy x }
    let h = conv1(normalizing: Variable(consume x), by: norm1, thenSiLU: true, channelOffset: timeOffset)
      .value
    finish(h, adding: &y)
    return y
  }

  /// Computes the second half of the block.
  ///
  /// - Parameters:
  ///   - h: The output of the first convolution.
  ///   - y: The output of the shortcut; afterward that of the block.
  private func finish(_ h: Tensor, adding y: inout Tensor) {
    conv2.add(normalizing: h, by: norm2, thenSiLU: true, to: &y)
    if outputScale != 1 { y = (Variable(y) * (1 / outputScale)).value }
  }

  /// Returns the block's output for a map that is computed in bands and never held whole.
  ///
  /// The map is computed twice: for the statistics of the first norm, then for the layers after it.
  ///
  /// - Throws: The errors of computing a band.
  func callAsFunction(_ x: BandedMap) throws -> Tensor {
    var sums = GroupSums()
    for band in x.bands { sums.add(try x.rows(band)) }
    let statistics = norm1.statistics(sums)
    let shape = [x.height, x.width, norm2.channels]
    var y = Tensor(zeros: [])
    let h = try Tensor(shape: shape) { h in
      y = try Tensor(shape: shape) { y in
        for band in x.bands {
          // The convolution reads one row above and one below; zero padding applies only at the edges of the map.
          let read = x.widened(band)
          let part = try x.rows(read)
          let own = band.lowerBound - read.lowerBound..<band.upperBound - read.lowerBound
          let start = band.lowerBound * x.width * norm2.channels
          conv1(normalizing: part, by: norm1, statistics, thenSiLU: true)[own].write(to: h, at: start)
          (shortcut.map { $0(Variable(part[own])).value } ?? part[own]).write(to: y, at: start)
        }
      }
    }
    finish(h, adding: &y)
    return y
  }
}

extension Tensor {
  /// Copies the scalars to uninitialized memory.
  fileprivate func write(to memory: UnsafeMutableBufferPointer<Float>, at start: Int) {
    withScalars {
      _ = UnsafeMutableBufferPointer(rebasing: memory[start..<start + $0.count]).initialize(
        fromContentsOf: $0)
    }
  }
}
