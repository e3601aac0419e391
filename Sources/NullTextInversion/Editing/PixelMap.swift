internal import DiffusionCore
internal import Tensor

/// A single-channel map of numbers, one per pixel, in row-major order.
struct PixelMap: Equatable {
  let width: Int
  let height: Int
  private(set) var values: [Float]

  init(width: Int, height: Int, values: [Float]) {
    precondition(values.count == width * height, "\(values.count) values for \(width) x \(height) pixels")
    self.width = width
    self.height = height
    self.values = values
  }

  /// Computes a number for each pixel of two images of the same size.
  init(_ a: RGBImage, _ b: RGBImage, _ number: (_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float) {
    precondition((a.width, a.height) == (b.width, b.height), "\(a) and \(b)")
    func pixel(_ picture: RGBImage, _ i: Int) -> SIMD3<Float> {
      SIMD3(Float(picture.bytes[i]), Float(picture.bytes[i + 1]), Float(picture.bytes[i + 2]))
    }
    self.init(
      width: a.width, height: a.height,
      values: stride(from: 0, to: a.bytes.count, by: 3).map { number(pixel(a, $0), pixel(b, $0)) })
  }

  /// Returns a map with `change` applied to every number.
  func map(_ change: (Float) -> Float) -> PixelMap {
    PixelMap(width: width, height: height, values: values.map(change))
  }

  /// Combines the numbers of two maps of the same size.
  static func zip(_ a: PixelMap, _ b: PixelMap, _ number: (Float, Float) -> Float) -> PixelMap {
    precondition((a.width, a.height) == (b.width, b.height), "maps of different sizes")
    return PixelMap(
      width: a.width, height: a.height, values: a.values.indices.map { number(a.values[$0], b.values[$0]) })
  }

  /// Returns the part of the map inside a rectangle, which must lie in the map.
  func cropped(to rect: PixelRect) -> PixelMap {
    let rows = (rect.y..<rect.y + rect.height).map { $0 * width + rect.x }
    return PixelMap(
      width: rect.width, height: rect.height, values: rows.flatMap { values[$0..<$0 + rect.width] })
  }

  /// Returns the mean over the square of side `2 * radius + 1` around each pixel, clipped at the edges.
  func averaged(radius: Int) -> PixelMap {
    guard radius > 0 else { return self }
    var result = self
    result.average(radius, lines: height, length: width, lineStride: width, stride: 1)
    result.average(radius, lines: width, length: height, lineStride: 1, stride: width)
    return result
  }

  /// Returns the map after three box filters, which approximate a Gaussian blur.
  func blurred(radius: Int) -> PixelMap {
    averaged(radius: radius).averaged(radius: radius).averaged(radius: radius)
  }

  private mutating func average(_ radius: Int, lines: Int, length: Int, lineStride: Int, stride: Int) {
    var sums = [Double](repeating: 0, count: length + 1)
    for line in 0..<lines {
      let start = line * lineStride
      for i in 0..<length { sums[i + 1] = sums[i] + Double(values[start + i * stride]) }
      for i in 0..<length {
        let (low, high) = (max(0, i - radius), min(length, i + radius + 1))
        values[start + i * stride] = Float((sums[high] - sums[low]) / Double(high - low))
      }
    }
  }

  /// Resizes the map by bilinear interpolation between pixel centers.
  func resized(width newWidth: Int, height newHeight: Int) -> PixelMap {
    guard (newWidth, newHeight) != (width, height) else { return self }
    let across = Self.places(newWidth, in: width)
    let down = Self.places(newHeight, in: height)
    var result: [Float] = []
    result.reserveCapacity(newWidth * newHeight)
    for v in down {
      let (upper, lower) = (v.low * width, v.high * width)
      for u in across {
        let above = values[upper + u.low] + (values[upper + u.high] - values[upper + u.low]) * u.fraction
        let below = values[lower + u.low] + (values[lower + u.high] - values[lower + u.low]) * u.fraction
        result.append(above + (below - above) * v.fraction)
      }
    }
    return PixelMap(width: newWidth, height: newHeight, values: result)
  }

  /// Returns, for each of `count` pixels, the two source pixels to interpolate between and the weight of the second.
  private static func places(_ count: Int, in size: Int) -> [(low: Int, high: Int, fraction: Float)] {
    (0..<count).map { i in
      let place = max(0, min(Double(size - 1), (Double(i) + 0.5) * Double(size) / Double(count) - 0.5))
      let low = Int(place)
      return (low, min(low + 1, size - 1), Float(place - Double(low)))
    }
  }
}

extension Float {
  /// Returns 0 up to `low`, 1 from `high` on, and a smooth cubic interpolation between them.
  func smoothStep(_ low: Float, _ high: Float) -> Float {
    let t = max(0, min(1, (self - low) / (high - low)))
    return t * t * (3 - 2 * t)
  }
}
