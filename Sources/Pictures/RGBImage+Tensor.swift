public import Tensor

extension RGBImage {
  /// The picture as networks take it: height x width x 3, each sample x as x / 127.5 - 1, so from -1 to 1.
  public var tensor: Tensor {
    Tensor(shape: [height, width, 3]) { target in
      for (i, byte) in bytes.enumerated() { target[i] = Float(byte) / 127.5 - 1 }
    }
  }

  /// The picture that a network's output of height x width x 3 stands for.
  ///
  /// Each number x gives 255 (x / 2 + 1/2), held between 0 and 255 and cut off to a whole number, not rounded, as the
  /// published code of null-text inversion does. Not-a-number gives 0.
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
