public import Pictures

/// Returns a picture with the bytes of a linear congruential generator, as in `Tools/write_picture_fixtures.py`.
public func noisePicture(_ width: Int, _ height: Int) -> RGBImage {
  var state: UInt64 = 1
  return RGBImage(
    width: width, height: height,
    samples: (0..<3 * width * height).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(state >> 56)
    })
}
