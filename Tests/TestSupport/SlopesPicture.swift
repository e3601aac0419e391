public import Pictures

/// A picture of 40 x 32 pixels with gradients and squares, slightly larger than the input of the small models.
public let slopesPicture: RGBImage = {
  var picture = RGBImage(width: 40, height: 32)
  for y in 0..<picture.height {
    for x in 0..<picture.width {
      picture[x, y] = SIMD3(UInt8(6 * x), UInt8(7 * y), (x / 8 + y / 8) % 2 == 0 ? 200 : 40)
    }
  }
  return picture
}()
