import Foundation
import Pictures
import TestSupport
import Testing

@Suite("Cropping and resizing") struct ResizeTests {
  struct Case: Codable, CustomTestStringConvertible {
    let source: [Int]
    let target: [Int]
    let checksum: String
    let rgb: Data?

    var testDescription: String { "\(source[0])x\(source[1]) to \(target[0])x\(target[1])" }
  }

  static let cases: [Case] =
    (try? JSONDecoder().decode([Case].self, from: PictureFixtures.data("resized.json"))) ?? []

  @Test("resizing equals Pillow's result", arguments: cases) func resizing(_ expected: Case) {
    let image = noisePicture(expected.source[0], expected.source[1])
      .resized(width: expected.target[0], height: expected.target[1])
    #expect([image.width, image.height] == expected.target)
    if let rgb = expected.rgb { #expect(zip(image.bytes, rgb).allSatisfy { $0 == $1 }) }
    #expect(PictureFixtures.checksum(image.bytes) == expected.checksum)
  }

  @Test("all cases are present") func count() { #expect(Self.cases.count == 19) }

  @Test("preparing a photo crops the longer side and equals the reference") func preparing() throws {
    let (image, crop) = try PictureFixtures.image("photo.png").prepared(width: 40, height: 40)
    #expect(crop == PixelRect(x: 14, y: 0, width: 61, height: 61))
    #expect(image == (try PictureFixtures.image("photo-40.png")))
  }

  @Test(
    "preparing takes the central part with the target's aspect ratio",
    arguments: [
      (100, 60, 64, 64, "20,0,60,60"), (60, 101, 64, 64, "0,20,60,60"), (61, 61, 8, 8, "0,0,61,61"),
      (100, 100, 64, 32, "0,25,100,50"), (100, 100, 32, 64, "25,0,50,100"), (33, 100, 64, 48, "0,37,33,25"),
      (640, 480, 64, 48, "0,0,640,480"), (16, 5000, 2, 1, "0,2496,16,8"),
    ])
  func aspect(width: Int, height: Int, toWidth: Int, toHeight: Int, crop: String) throws {
    let prepared = try noisePicture(width, height).prepared(width: toWidth, height: toHeight)
    #expect(prepared.crop.description == crop)
    #expect(prepared.image.width == toWidth && prepared.image.height == toHeight)
  }

  @Test("a picture of the target size is unchanged") func noResampling() throws {
    let image = noisePicture(32, 24)
    #expect(try image.prepared(width: 32, height: 24).image == image)
    #expect(image.resized(width: 32, height: 24) == image)
  }

  @Test("preparing starts from the given crop and returns coordinates of the whole picture")
  func explicitCrop() throws {
    let image = noisePicture(80, 50)
    let part = PixelRect(x: 10, y: 5, width: 60, height: 40)
    let prepared = try image.prepared(width: 40, height: 40, crop: part)
    #expect(prepared.crop == PixelRect(x: 20, y: 5, width: 40, height: 40))
    #expect(prepared.image == (try image.cropped(to: prepared.crop)))
    #expect(try image.cropped(to: prepared.crop)[3, 7] == image[23, 12])
  }

  @Test("pictures smaller than 16 pixels per side are refused", arguments: [(15, 400), (400, 15), (1, 1)])
  func small(width: Int, height: Int) {
    #expect(
      throws: InputError(
        .outOfRange, "The picture has \(width) x \(height) pixels. At least 16 pixels per side are required.")
    ) { try noisePicture(width, height).prepared(width: 32, height: 32) }
  }

  @Test("crops that extend outside the picture or are too small are refused") func wrongCrops() {
    let image = noisePicture(40, 40)
    for crop in [
      PixelRect(x: 30, y: 0, width: 20, height: 20), PixelRect(x: -1, y: 0, width: 20, height: 20),
      PixelRect(x: 0, y: 0, width: 8, height: 20),
    ] {
      let error = #expect(throws: InputError.self) { try image.prepared(width: 32, height: 32, crop: crop) }
      #expect(error?.kind == .outOfRange && error?.message.contains("crop") == true)
    }
    #expect(throws: InputError.self) { try image.cropped(to: PixelRect(x: 0, y: 0, width: 0, height: 3)) }
  }
}
