import Foundation
import Pictures
import Tensor
import Testing

@Suite("Pictures in memory") struct RGBImageTests {
  /// A picture of 2 × 2 pixels whose samples are all different.
  let image: RGBImage

  init() throws {
    image = try RGBImage(width: 2, height: 2, bytes: [1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 0, 128])
  }

  @Test(
    "pictures with empty sides or a wrong number of bytes are refused",
    arguments: [(2, 2, 11), (2, 2, 13), (2, 2, 0), (0, 2, 0), (2, -1, 6), (.max, 3, 9), (20000, 20000, 3)])
  func wrongLengths(width: Int, height: Int, count: Int) {
    #expect(throws: InputError.self) {
      try RGBImage(width: width, height: height, bytes: Array(repeating: 0, count: count))
    }
  }

  @Test("pictures are created from raw bytes with any row stride, without alpha") func rawBytes() {
    let rgb: [UInt8] = [1, 2, 3, 4, 5, 6, 99, 7, 8, 9, 255, 0, 128]
    #expect(RGBImage(rgb: rgb, width: 2, height: 2, bytesPerRow: 7) == image)
    let rgba: [UInt8] = [1, 2, 3, 0, 4, 5, 6, 10, 7, 8, 9, 20, 255, 0, 128, 255]
    #expect(RGBImage(rgba: rgba, width: 2, height: 2) == image)
    #expect(RGBImage(rgba: AnyCollection(rgba), width: 2, height: 2) == image)
    #expect(RGBImage(rgb: Data(rgb)[...], width: 2, height: 2, bytesPerRow: 7) == image)
  }

  @Test("an equal picture is created from the raw bytes of a picture", arguments: [nil, 8, 13])
  func roundTrip(
    stride: Int?
  ) {
    let rgba = image.bytes(format: .rgba, bytesPerRow: stride)
    #expect(rgba.count == 2 * (stride ?? 8))
    #expect(rgba[3] == 255)
    #expect(RGBImage(rgba: rgba, width: 2, height: 2, bytesPerRow: stride) == image)
    let rgb = image.bytes(format: .rgb, bytesPerRow: stride)
    #expect(RGBImage(rgb: rgb, width: 2, height: 2, bytesPerRow: stride) == image)
    #expect(image.bytes(format: .rgb) == image.bytes)
  }

  @Test("pixels are read and modified") func pixels() {
    var copy = image
    #expect(copy[1, 0] == SIMD3(4, 5, 6))
    copy[0, 1] = SIMD3(0, 100, 200)
    #expect(copy.bytes == [1, 2, 3, 4, 5, 6, 0, 100, 200, 255, 0, 128])
    #expect(image[0, 1] == SIMD3(7, 8, 9))
  }

  @Test("samples x become x / 127.5 - 1 in a tensor, and are at most one lower after conversion back")
  func tensor() throws {
    let all = try RGBImage(width: 16, height: 16, bytes: (0..<768).map { UInt8($0 / 3) })
    let tensor = all.tensor
    #expect(tensor.shape == [16, 16, 3])
    #expect(tensor.scalars == all.bytes.map { Float($0) / 127.5 - 1 })
    // Truncation loses one where the division was rounded down.
    for (byte, back) in zip(all.bytes, RGBImage(tensor).bytes) { #expect(back == byte || back == byte - 1) }
  }

  @Test("network output is truncated and clamped") func truncation() {
    let numbers: [Float] = [-1, 1, 0, 0.999, -3, 3, .nan, .infinity, -.infinity, 0.0078, -0.9999, 1e-3]
    let image = RGBImage(Tensor(numbers, shape: [2, 2, 3]))
    #expect(image.bytes == [0, 255, 127, 254, 0, 255, 0, 255, 0, 128, 0, 127])
  }
}

@Suite("Pixel rectangles") struct PixelRectTests {
  @Test("rectangles are written and read as four numbers") func description() throws {
    let rect = PixelRect(x: 3, y: -4, width: 50, height: 6)
    #expect(rect.description == "3,-4,50,6")
    #expect(PixelRect("3,-4,50,6") == rect)
    for wrong in ["", "1,2,3", "1,2,3,4,5", "1,2,3,x", "1,,2,3", "1, 2,3,4"] {
      #expect(PixelRect(wrong) == nil)
    }
    #expect(try JSONDecoder().decode(PixelRect.self, from: JSONEncoder().encode(rect)) == rect)
  }

  @Test("rectangles fit if they lie inside completely, for any numbers") func fits() {
    #expect(PixelRect(x: 0, y: 0, width: 5, height: 4).fits(width: 5, height: 4))
    #expect(!PixelRect(x: 1, y: 0, width: 5, height: 4).fits(width: 5, height: 4))
    #expect(!PixelRect(x: 0, y: -1, width: 5, height: 4).fits(width: 5, height: 4))
    #expect(!PixelRect(x: 0, y: 0, width: 0, height: 4).fits(width: 5, height: 4))
    #expect(!PixelRect(x: .max, y: 0, width: .max, height: 4).fits(width: 5, height: 4))
    #expect(!PixelRect(x: .min, y: 0, width: .min, height: 4).fits(width: 5, height: 4))
  }
}
