import Foundation
import Pictures
import Tensor
import TestSupport
import Testing

private let white = SIMD3<UInt8>(repeating: 255)

/// Returns the number of pixels that are not white.
private func ink(_ image: RGBImage) -> Int {
  stride(from: 0, to: image.bytes.count, by: 3).count { image.bytes[$0..<$0 + 3].contains { $0 != 255 } }
}

@Suite("Heat maps") struct HeatMapTests {
  /// Returns the CIE lightness, 0 to 100.
  private func lightness(_ color: SIMD3<UInt8>) -> Double {
    func linear(_ sample: UInt8) -> Double {
      let c = Double(sample) / 255
      return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4)
    }
    let y = 0.2126 * linear(color.x) + 0.7152 * linear(color.y) + 0.0722 * linear(color.z)
    return y <= 216.0 / 24389 ? y * 24389 / 27 : 116 * cbrt(y) - 16
  }

  private let ramp = Tensor((0..<256).map { Float($0) }, shape: [1, 256])

  @Test("lightness increases in nearly equal steps from dark to pale") func lightness() {
    let picture = HeatMap(ramp).rendered(width: 256, height: 1)
    let values = (0..<256).map { lightness(picture[$0, 0]) }
    #expect(values[0] < 8 && values[255] > 93)
    for i in 0..<240 {
      #expect((3...9).contains(values[i + 15] - values[i]), "\(i): \(values[i + 15] - values[i])")
    }
  }

  @Test("equal numbers have the same color at cell centers with any interpolation")
  func cells() {
    let map = Tensor([0, 1, 2, 3, 4, 5], shape: [2, 3])
    let scale = HeatMap(ramp, range: 0...255).rendered(width: 256, height: 1)
    for interpolation in [HeatMap.Interpolation.nearest, .bilinear] {
      let picture = HeatMap(map, interpolation: interpolation).rendered(width: 15, height: 10)
      for i in 0..<6 { #expect(picture[i % 3 * 5 + 2, i / 3 * 5 + 2] == scale[i * 51, 0]) }
    }
    let nearest = HeatMap(map, interpolation: .nearest).rendered(width: 15, height: 10)
    for y in 0..<10 { for x in 0..<15 { #expect(nearest[x, y] == scale[(y / 5 * 3 + x / 5) * 51, 0]) } }
  }

  @Test("bilinear interpolation is linear between cell centers") func bilinear() {
    // At twice the size, pixel centers are a quarter of a cell from the cell centers.
    let map = Tensor([0, 100, 200, 60], shape: [2, 2])
    let picture = HeatMap(map, range: 0...255).rendered(width: 4, height: 4)
    let scale = HeatMap(ramp, range: 0...255).rendered(width: 256, height: 1)
    let (top, bottom) = ([0, 25, 75, 100], [200, 165, 95, 60])
    for x in 0..<4 {
      for (y, weight) in [(0, 0), (1, 1), (2, 3), (3, 4)] {
        let number = Double(top[x] * (4 - weight) + bottom[x] * weight) / 4
        #expect(picture[x, y] == scale[Int(number.rounded()), 0], "\(x), \(y)")
      }
    }
  }

  @Test("numbers outside the range, infinities and NaN get the end colors") func extremes() {
    let map = Tensor([-.infinity, -5, .nan, 0, 1, 9, .infinity], shape: [1, 7])
    let picture = HeatMap(map, range: 0...1, interpolation: .nearest).rendered(width: 7, height: 1)
    for x in 0..<4 { #expect(picture[x, 0] == picture[0, 0]) }
    for x in 4..<7 { #expect(picture[x, 0] == picture[6, 0]) }
    #expect(picture[0, 0] != picture[6, 0])
    let flat = HeatMap(Tensor(repeating: 3, shape: [4, 4])).rendered(width: 2, height: 2)
    #expect(flat == RGBImage(width: 2, height: 2, filledWith: picture[0, 0]))
    let nothing = HeatMap(Tensor(repeating: .nan, shape: [1, 1])).rendered(width: 2, height: 2)
    #expect(nothing == flat)
  }

  @Test("an overlay shows the gray picture through") func overlay() {
    let photo = noisePicture(20, 10)
    let map = HeatMap(Tensor((0..<8).map { Float($0) }, shape: [2, 4]))
    #expect(map.overlaid(on: photo, opacity: 1) == map.rendered(width: 20, height: 10))
    let gray = map.overlaid(on: photo, opacity: 0)
    for y in 0..<10 {
      for x in 0..<20 {
        let (p, g) = (photo[x, y], gray[x, y])
        let luma = 0.299 * Double(p.x) + 0.587 * Double(p.y) + 0.114 * Double(p.z)
        #expect(abs(Double(g.x) - luma) <= 0.5 && g.x == g.y && g.y == g.z)
      }
    }
    let half = map.overlaid(on: photo, opacity: 0.5)
    for (mixed, (a, b)) in zip(half.bytes, zip(gray.bytes, map.rendered(width: 20, height: 10).bytes)) {
      #expect(abs(Double(mixed) - (Double(a) + Double(b)) / 2) <= 1)
    }
  }
}
