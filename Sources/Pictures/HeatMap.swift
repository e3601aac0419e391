internal import Foundation
public import Tensor

/// A map of numbers, height × width, that is rendered in colors.
///
/// ```swift
/// let map = HeatMap(attention)                    // for example 16 x 16
/// try map.overlaid(on: photo).write(to: url)
/// ```
///
/// The colors range from dark violet for the lowest number through red and orange to pale yellow for the highest. Their
/// lightness in the Oklab color space increases in equal steps, so that equal differences look equal and the order
/// remains visible in black and white and with color vision deficiencies.
public struct HeatMap: Sendable {
  /// The interpolation of the map to the size of a picture.
  public enum Interpolation: Sendable, Hashable {
    /// Linear interpolation between the centers of the map's cells.
    case bilinear
    /// A rectangle of one color for each cell.
    case nearest
  }

  /// The numbers, height × width.
  public var map: Tensor

  /// The numbers that get the first and the last color; numbers outside get the nearer of the two.
  public var range: ClosedRange<Float>

  /// The interpolation of the map to the size of a picture.
  public var interpolation: Interpolation

  /// Creates a map; without a range, its smallest and largest finite numbers get the first and the last color.
  public init(_ map: Tensor, range: ClosedRange<Float>? = nil, interpolation: Interpolation = .bilinear) {
    precondition(map.shape.count == 2 && map.count > 0, "\(map.shape) is not height x width")
    self.map = map
    self.interpolation = interpolation
    let numbers = map.scalars.filter { $0.isFinite }
    self.range = range ?? (numbers.min() ?? 0)...(numbers.max() ?? 0)
  }

  /// Returns the map as a picture of `width` × `height` pixels.
  public func rendered(width: Int, height: Int) -> RGBImage {
    precondition(width > 0 && height > 0, "a picture of \(width) x \(height) pixels")
    let (rows, columns) = map.shape2
    let down = positions(height, in: rows)
    let across = positions(width, in: columns)
    let numbers = map.scalars
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * width * height)
    for v in down {
      for u in across {
        func along(_ row: Int) -> Float {
          let (a, b) = (numbers[row * columns + u.low], numbers[row * columns + u.high])
          return u.fraction == 0 ? a : a + (b - a) * u.fraction
        }
        let (a, b) = (along(v.low), along(v.high))
        let color = self.color(of: v.fraction == 0 ? a : a + (b - a) * v.fraction)
        bytes.append(color.x)
        bytes.append(color.y)
        bytes.append(color.z)
      }
    }
    return RGBImage(width: width, height: height, samples: bytes)
  }

  /// Returns the map blended over a gray version of `picture`.
  ///
  /// - Parameters:
  ///   - picture: The background, of any size.
  ///   - opacity: The opacity of the map, from 0 to 1.
  public func overlaid(on picture: RGBImage, opacity: Double = 0.55) -> RGBImage {
    precondition((0...1).contains(opacity), "an opacity of \(opacity)")
    var result = rendered(width: picture.width, height: picture.height)
    for i in stride(from: 0, to: result.bytes.count, by: 3) {
      let (r, g, b) = (picture.bytes[i], picture.bytes[i + 1], picture.bytes[i + 2])
      let luma = 0.299 * Double(r) + 0.587 * Double(g) + 0.114 * Double(b)
      for c in i..<i + 3 {
        result.bytes[c] = UInt8((luma + (Double(result.bytes[c]) - luma) * opacity).rounded())
      }
    }
    return result
  }

  /// Returns the color of a number; NaN gets the color of the lowest.
  func color(of number: Float) -> SIMD3<UInt8> {
    let span = range.upperBound - range.lowerBound
    let place = (number - range.lowerBound) / span
    guard span > 0, place > 0 else { return Self.colors[0] }
    return Self.colors[Int((min(place, 1) * 255).rounded())]
  }

  /// Returns the two nearest cells of each of `count` pixels, and the relative distance to the first.
  private func positions(_ count: Int, in cells: Int) -> [(low: Int, high: Int, fraction: Float)] {
    (0..<count).map { i in
      if interpolation == .nearest {
        let cell = i * cells / count
        return (cell, cell, 0)
      }
      let place = (Float(i) + 0.5) * Float(cells) / Float(count) - 0.5
      let held = min(max(place, 0), Float(cells - 1))
      let low = min(Int(held), max(cells - 2, 0))
      return (low, min(low + 1, cells - 1), held - Float(low))
    }
  }

  /// 256 colors on a path through Oklab inside sRGB: lightness 0.18 to 0.96, half a turn of hue.
  ///
  /// The two matrices are from B. Ottosson, "A perceptual color space for image processing", 2020.
  static let colors: [SIMD3<UInt8>] = (0...255).map { step in
    let t = Double(step) / 255
    let lightness = 0.18 + 0.78 * t
    let hue = (290 + 178 * t) * Double.pi / 180
    let chroma = 0.08 + 0.10 * sin(Double.pi * t)
    let (a, b) = (chroma * cos(hue), chroma * sin(hue))
    let l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3)
    let m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3)
    let s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3)
    func encoded(_ light: Double) -> UInt8 {
      let light = min(max(light, 0), 1)
      return UInt8(
        (255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055)).rounded())
    }
    return SIMD3(
      encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
      encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
      encoded(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s))
  }
}
