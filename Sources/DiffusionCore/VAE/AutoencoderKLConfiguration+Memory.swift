internal import Tensor

/// The memory of an autoencoder's feature maps, in bytes.
///
/// Upper bounds, as for `UNetConfiguration`.
extension AutoencoderKLConfiguration {
  /// Returns the memory of the maps when encoding a picture of this size.
  package func encodingBytes(height: Int, width: Int) -> Int {
    let levels = blockOutChannels.indices.map { level in
      residualBytes(
        height >> level, width >> level, from: blockOutChannels[max(level - 1, 0)],
        to: blockOutChannels[level])
    }
    return max(levels.max() ?? 0, middleBytes(height, width))
  }

  /// Returns the memory of the maps when decoding a picture of this size.
  ///
  /// - Parameters:
  ///   - height: The rows of the picture.
  ///   - width: Its columns.
  ///   - bandByteCount: The size of a band; nil for whole maps.
  package func decodingBytes(height: Int, width: Int, bandByteCount: Int?) -> Int {
    let levels = blockOutChannels.indices.map { level in
      let (height, width) = (height >> level, width >> level)
      let above = min(level + 1, blockOutChannels.count - 1)
      let (inputs, outputs) = (blockOutChannels[above], blockOutChannels[level])
      guard above > level else { return residualBytes(height, width, from: inputs, to: outputs) }
      let halved = mapBytes(height * width / 4, inputs)
      guard let bandByteCount else {
        let upsampled = formsInPieces(height, width, from: inputs, to: inputs) ? 1 : 2
        return max(
          halved + upsampled * mapBytes(height * width, inputs),
          residualBytes(height, width, from: inputs, to: outputs))
      }
      // The map before upsampling, the maps of the second half of a block, and some bands.
      let maps = formsInPieces(height, width, from: outputs, to: outputs) ? 2 : 4
      return max(
        halved + maps * mapBytes(height * width, outputs) + 4 * bandByteCount,
        residualBytes(height, width, from: outputs, to: outputs))
    }
    return latentBytes(height, width, latentChannels) + max(levels.max() ?? 0, middleBytes(height, width))
  }

  /// Returns the memory of the maps of a residual block.
  private func residualBytes(_ height: Int, _ width: Int, from inputs: Int, to outputs: Int) -> Int {
    let (entered, result) = (mapBytes(height * width, inputs), mapBytes(height * width, outputs))
    let first = formsInPieces(height, width, from: inputs, to: outputs) ? 0 : entered
    let second = formsInPieces(height, width, from: outputs, to: outputs) ? 2 : 4
    // During the first convolution: the input, its shortcut if it has a convolution, and the result.
    return max(entered + first + (inputs == outputs ? 1 : 2) * result, second * result)
  }

  /// Returns whether a 3x3 convolution computes its input in pieces and adds in place.
  private func formsInPieces(_ height: Int, _ width: Int, from inputs: Int, to outputs: Int) -> Bool {
    Convolution.formsInputInPieces(height: height, width: width, channels: inputs, outputs: outputs)
  }

  private func middleBytes(_ height: Int, _ width: Int) -> Int {
    8 * latentBytes(height, width, blockOutChannels[blockOutChannels.count - 1])
  }

  /// Returns the memory of a map with the size of the latent.
  private func latentBytes(_ height: Int, _ width: Int, _ channels: Int) -> Int {
    mapBytes(height / downsamplingFactor * (width / downsamplingFactor), channels)
  }
}
