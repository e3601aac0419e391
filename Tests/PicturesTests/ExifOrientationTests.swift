import TestSupport
import Testing

@testable import Pictures

@Suite("EXIF orientation") struct ExifOrientationTests {
  /// A big-endian directory with the orientation.
  static let turned: [UInt8] =
    Array("MM\0*".utf8) + [0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]

  @Test("the orientation is read with or without the prefix, from any slice") func whole() {
    #expect(ExifOrientation(exif: Self.turned) == .turnedClockwise)
    #expect(ExifOrientation(exif: Array("Exif\0\0".utf8) + Self.turned) == .turnedClockwise)
    #expect(ExifOrientation(exif: ([1, 2, 3] + Self.turned)[3...]) == .turnedClockwise)
  }

  @Test("truncated data are ignored") func cut() {
    // The last four bytes are the offset of the next directory.
    for length in 0..<Self.turned.count - 4 {
      #expect(ExifOrientation(exif: Self.turned.prefix(length)) == .upright)
    }
  }

  @Test("arbitrary bytes are read without a trap") func noise() {
    var random = SplitMix(seed: 3)
    for _ in 0..<20_000 {
      var bytes = Self.turned
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[Int.random(in: 4..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = ExifOrientation(exif: bytes)
    }
  }

  @Test(
    "an orientation moves the pixels of a picture, and the inverse orientation restores them",
    arguments: ExifOrientation.allCases)
  func turning(orientation: ExifOrientation) {
    let image = noisePicture(7, 4)
    let back: ExifOrientation =
      switch orientation {
      case .turnedClockwise: .turnedCounterclockwise
      case .turnedCounterclockwise: .turnedClockwise
      default: orientation
      }
    let turned = image.upright(orientation)
    #expect(turned.width == (orientation.exchangesSides ? 4 : 7))
    #expect(turned.upright(back) == image)
    #expect((turned == image) == (orientation == .upright))
  }
}
