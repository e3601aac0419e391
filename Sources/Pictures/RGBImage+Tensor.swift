public import Tensor

extension RGBImage {
  /// The picture as network input: height × width × 3, with samples x / 127.5 - 1 in the range -1 to 1.
  public var tensor: Tensor {
    Tensor(shape: [height, width, 3]) { target in
      for (i, byte) in bytes.enumerated() { target[i] = Float(byte) / 127.5 - 1 }
    }
  }

  /// Creates a picture from a network's output of height × width × 3.
  ///
  /// Each number x becomes 255 (x / 2 + 1/2), clamped to 0...255 and truncated, not rounded, as in the published code
  /// of null-text inversion. NaN becomes 0.
  public init(_ tensor: Tensor) {
    let (height, width, channels) = tensor.shape3
    precondition(channels == 3, "\(tensor.shape) is not height x width x 3")
    let bytes = tensor.withScalars { scalars in
      scalars.map { x in
        let sample = x / 2 + 0.5
        return sample > 0 ? UInt8(min(sample, 1) * 255) : 0
      }
    }
    self.init(width: width, height: height, samples: bytes)
  }
}
