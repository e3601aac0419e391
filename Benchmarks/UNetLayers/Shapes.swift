/// The layer shapes of the Stable Diffusion 1 UNet for 64 × 64 latents, each shape once.
enum Shapes {
  /// Rows, inputs, outputs.
  static let linear: [(rows: Int, inputs: Int, outputs: Int)] =
    levels.flatMap { side, channels in
      [(channels, channels), (channels, 8 * channels), (4 * channels, channels)].map {
        (side * side, $0.0, $0.1)
      }
    } + levels.prefix(3).map { (77, 768, $0.channels) }

  /// The side lengths and channel counts of the feature maps with transformers.
  static let levels: [(side: Int, channels: Int)] = [(64, 320), (32, 640), (16, 1280), (8, 1280)]

  /// Input side length, inputs, outputs, kernel size, stride.
  static let convolutions: [(side: Int, inputs: Int, outputs: Int, kernel: Int, stride: Int)] =
    [
      (64, 4, 320), (64, 320, 320), (64, 640, 320), (64, 960, 320), (64, 640, 640), (64, 320, 4),
      (32, 320, 640), (32, 640, 640), (32, 960, 640), (32, 1280, 640), (32, 1920, 640), (32, 1280, 1280),
      (16, 640, 1280), (16, 1280, 1280), (16, 1920, 1280), (16, 2560, 1280),
      (8, 1280, 1280), (8, 2560, 1280),
    ].map { ($0.0, $0.1, $0.2, 3, 1) }
    + [(64, 320, 320), (32, 640, 640), (16, 1280, 1280)].map { ($0.0, $0.1, $0.2, 3, 2) }
    + [
      (64, 640, 320), (64, 960, 320), (32, 320, 640), (32, 960, 640), (32, 1280, 640), (32, 1920, 640),
      (16, 640, 1280), (16, 1920, 1280), (16, 2560, 1280), (8, 2560, 1280),
    ].map { ($0.0, $0.1, $0.2, 1, 1) }

  /// Side lengths and channel counts of the feature maps.
  static let groupNorms: [(side: Int, channels: Int)] =
    [320, 640, 960].map { (64, $0) } + [320, 640, 960, 1280, 1920].map { (32, $0) }
    + [640, 1280, 1920, 2560].map { (16, $0) } + [1280, 2560].map { (8, $0) }
}
