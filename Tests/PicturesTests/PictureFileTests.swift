import Foundation
import Pictures
import TestSupport
import Testing

@Suite("Picture files") struct PictureFileTests {
  struct Expected: Codable {
    let width: Int
    let height: Int
    let rgb: Data
  }

  static let expected: [String: Expected] =
    (try? JSONDecoder().decode([String: Expected].self, from: PictureFixtures.data("decoded.json"))) ?? [:]

  @Test("files of every kind are decoded to Pillow's samples", arguments: expected.keys.sorted())
  func decoding(name: String) throws {
    let expected = try #require(Self.expected[name])
    let image = try PictureFixtures.image(name)
    #expect(image.width == expected.width && image.height == expected.height)
    #expect(image.bytes == [UInt8](expected.rgb))
    #expect(try RGBImage(data: PictureFixtures.data(name)) == image)
  }

  @Test("all fixtures are present") func fixtures() { #expect(Self.expected.count == 32) }

  @Test("files are recognized by content, not by name") func contentDecides() throws {
    let folder = try ScratchFolder()
    let jpeg = try folder.file("really-a-jpeg.png", PictureFixtures.data("rgb-444.jpg"))
    #expect(try RGBImage(contentsOf: jpeg) == PictureFixtures.image("rgb-444.jpg"))
    let png = try folder.file("no extension", PictureFixtures.data("rgb8.png"))
    #expect(try RGBImage(contentsOf: png) == PictureFixtures.image("rgb8.png"))
  }

  @Test("written pictures are read unchanged from PNG and nearly unchanged from JPEG") func writing() throws {
    let folder = try ScratchFolder()
    let image = try PictureFixtures.image("photo.png")
    try image.write(to: folder("a.PNG"))
    #expect(try RGBImage(contentsOf: folder("a.PNG")) == image)
    for (name, quality, psnr) in [("b.jpg", 95, 35.0), ("c.jpeg", 50, 27.0)] {
      try image.write(to: folder(name), quality: quality)
      let bytes = try Data(contentsOf: folder(name))
      #expect(bytes.starts(with: [0xFF, 0xD8, 0xFF]))
      let quality = ImageMetrics.psnr(image, try RGBImage(data: bytes))
      #expect(quality > psnr)
    }
    #expect(try folder.names == ["a.PNG", "b.jpg", "c.jpeg"])
  }

  @Test("files with another extension are not written", arguments: ["a.webp", "a", "png", "a.png.txt"])
  func otherExtensions(name: String) throws {
    let folder = try ScratchFolder()
    let error = #expect(throws: InputError.self) { try noisePicture(4, 4).write(to: folder(name)) }
    #expect(error?.kind == .unsupported)
    #expect(error?.message.contains(".png, .jpg or .jpeg") == true)
    #expect(try folder.names.isEmpty)
  }

  @Test("files of the same picture have the same bytes") func deterministic() throws {
    let image = noisePicture(30, 20)
    #expect(try image.pngData(text: ["b": "2", "a": "1"]) == image.pngData(text: ["a": "1", "b": "2"]))
    #expect(try image.jpegData() == image.jpegData())
  }

  @Test("stored texts are returned unchanged") func texts() throws {
    let image = noisePicture(9, 5)
    let texts = [
      "nti:recipe": "{\"prompt\": \"a \u{1F405} im Spiegel, naïve\"}\n", "Comment": "",
      "long": String(repeating: "x", count: 99_999),
    ]
    let png = try image.pngData(text: texts)
    #expect(RGBImage.text(in: png) == texts && RGBImage.pngText(in: png) == texts)
    #expect(try RGBImage(data: png) == image)
    #expect(RGBImage.text(in: try image.pngData()).isEmpty)
    // The long text takes two comments.
    let jpeg = try image.jpegData(text: texts)
    #expect(RGBImage.text(in: jpeg) == texts && RGBImage.pngText(in: jpeg).isEmpty)
    #expect(try RGBImage(data: jpeg) == RGBImage(data: image.jpegData()))
    #expect(RGBImage.text(in: try image.jpegData()).isEmpty)
  }

  @Test("comments of other programs are ignored") func otherComments() throws {
    let image = noisePicture(9, 5)
    for comment in [
      "made by hand", "", "\0text", " key\0text", "naïve\0text", String(repeating: "k", count: 80) + "\0t",
    ] {
      var jpeg = try image.jpegData(text: ["key": "value"])
      let body = Array(comment.utf8)
      jpeg.insert(contentsOf: [0xFF, 0xFE, 0, UInt8(body.count + 2)] + body, at: 2)
      #expect(RGBImage.text(in: jpeg) == ["key": "value"])
    }
    // A segment that claims to extend past the end of the file ends the search.
    var cut = try image.jpegData(text: ["key": "value"])
    cut.insert(contentsOf: [0xFF, 0xFE, 0xFF, 0xFF], at: 2)
    #expect(RGBImage.text(in: cut).isEmpty)
  }

  @Test("Latin-1 texts are read too, also after the pixels") func otherTexts() throws {
    func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
      func number(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
      }
      let body = Array(name.utf8) + data
      var crc = ~UInt32(0)
      for byte in body {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
      }
      return number(UInt32(data.count)) + body + number(~crc)
    }
    var bytes = [UInt8](try noisePicture(3, 3).pngData())
    let end = Array(bytes.suffix(12))
    bytes.removeLast(12)
    bytes += chunk("tEXt", Array("Author\0Andr".utf8) + [0xE9]) + end
    #expect(RGBImage.pngText(in: Data(bytes)) == ["Author": "André"])
    // A wrong checksum invalidates the text, not the picture.
    bytes[bytes.count - 14] ^= 1
    #expect(RGBImage.pngText(in: Data(bytes)).isEmpty)
    #expect(try RGBImage(data: Data(bytes)) == noisePicture(3, 3))
  }

  private typealias Writer = (RGBImage, [String: String]) throws -> Data

  @Test(
    "invalid text keys are refused",
    arguments: ["", " a", "a ", "a  b", "naïve", String(repeating: "k", count: 80)])
  func wrongKeys(key: String) {
    for write in [{ try $0.pngData(text: $1) }, { try $0.jpegData(text: $1) }] as [Writer] {
      let error = #expect(throws: InputError.self) { try write(noisePicture(2, 2), [key: "value"]) }
      #expect(error?.kind == .outOfRange)
    }
  }

  @Test("null characters in texts are refused") func nullCharacter() {
    for write in [{ try $0.pngData(text: $1) }, { try $0.jpegData(text: $1) }] as [Writer] {
      let error = #expect(throws: InputError.self) { try write(noisePicture(2, 2), ["k": "a\0b"]) }
      #expect(error?.kind == .outOfRange)
    }
  }
}
