import Foundation
import Pictures
import TestSupport
import Testing

@Suite("Invalid pictures") struct BadPictureTests {
  private func error(_ bytes: some Sequence<UInt8>, name: String = "photo.png") throws -> InputError {
    let folder = try ScratchFolder()
    let url = try folder.file(name, bytes)
    let error = try #require(throws: InputError.self) { _ = try RGBImage(contentsOf: url) }
    #expect(error.message.hasPrefix(url.path))
    #expect(error.message.hasSuffix("."))
    return error
  }

  @Test("a missing file is reported") func missing() throws {
    let url = try ScratchFolder()("photo.png")
    let error = try #require(throws: InputError.self) { _ = try RGBImage(contentsOf: url) }
    #expect(error == InputError(.missing, "There is no file \(url.path)."))
  }

  @Test("a folder is reported") func folder() throws {
    let folder = try ScratchFolder()
    let error = try #require(throws: InputError.self) { _ = try RGBImage(contentsOf: folder.url) }
    #expect(error.kind == .malformed && error.message.contains("is a folder"))
  }

  @Test("an empty file is reported") func empty() throws {
    let error = try error([])
    #expect(error.kind == .malformed && error.message.hasSuffix("photo.png is empty."))
  }

  @Test("text in a file with a picture's name is reported") func text() throws {
    let error = try error("not a picture at all".utf8)
    #expect(error.kind == .malformed && error.message.hasSuffix("is not a PNG, JPEG or WebP picture."))
    #expect(throws: InputError(.malformed, "The picture is not a PNG, JPEG or WebP picture.")) {
      try RGBImage(data: Data("hello".utf8))
    }
  }

  @Test(
    "an unsupported format is named",
    arguments: [
      ("a GIF", "GIF89a...", "magick"), ("a HEIC", "....ftypheic", "heif-convert"),
      ("a HEIC", "....ftypmif1", "magick"), ("an AVIF", "....ftypavif", "avifdec"),
      ("a TIFF", "II*\0....", "magick"), ("a TIFF", "MM\0*....", "darktable-cli"),
      ("a BMP", "BM....\0\0\0\0......", "magick"), ("a JPEG XL", "\0\0\0\u{C}JXL \r\n", "djxl"),
      ("a JPEG 2000", "\0\0\0\u{C}jP  \r\n", "magick"), ("a camera raw", "....ftypcrx ", "darktable-cli"),
      ("a camera raw", "II*\0....CR", "darktable-cli"),
      ("a camera raw", "FUJIFILMCCD-RAW 0201", "darktable-cli"),
      ("a camera raw", "IIRO....", "darktable-cli"), ("a camera raw", "IIU\0....", "darktable-cli"),
    ])
  func otherFormats(format: String, beginning: String, program: String) throws {
    let error = try error(beginning.utf8)
    #expect(
      error.kind == .unsupported && error.message.contains("is \(format) picture. Convert it to PNG first"))
    #expect(error.message.contains("`\(program) "))
  }

  @Test("a bare JPEG XL codestream is named") func bareJPEGXL() throws {
    #expect(try error([0xFF, 0x0A, 0x7F, 0x00]).message.contains("is a JPEG XL picture"))
  }

  @Test(
    "a picture truncated anywhere is refused",
    arguments: ["rgb8.png", "interlaced-rgba8.png", "rgb-420.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg"])
  func truncated(name: String) throws {
    let whole = try PictureFixtures.data(name)
    for length in 8..<whole.count - 1 {
      let error = #expect(throws: InputError.self, "\(length) of \(whole.count) bytes") {
        try RGBImage(data: whole.prefix(length))
      }
      #expect(error?.kind == .malformed)
    }
  }

  @Test("a picture with changed pixel data is refused") func damaged() throws {
    var bytes = try PictureFixtures.data("rgb8.png")
    bytes[200] ^= 0x10
    #expect(try error(bytes).message.contains("is damaged or truncated (PNG: "))
  }

  /// The beginning of a PNG that declares the given size.
  static func png(_ width: UInt32, _ height: UInt32) -> [UInt8] {
    var bytes = (try? [UInt8](PictureFixtures.data("rgb8.png"))) ?? []
    for i in 0..<4 {
      bytes[16 + i] = UInt8(truncatingIfNeeded: width >> (24 - 8 * i))
      bytes[20 + i] = UInt8(truncatingIfNeeded: height >> (24 - 8 * i))
    }
    return bytes
  }

  @Test(
    "a picture that declares too many pixels is refused before memory is allocated",
    arguments: [(100_001, 1000), (60_000, 60_000), (0x7FFF_FFFF, 0x7FFF_FFFF), (UInt32.max, UInt32.max)])
  func bombs(width: UInt32, height: UInt32) throws {
    let error = try error(Self.png(width, height))
    #expect(error.kind == .unsupported)
    #expect(
      error.message.contains(
        "has \(width) x \(height) pixels according to its header; the limit is 100 million"))
  }

  @Test("a JPEG that declares too many pixels is refused") func jpegBomb() throws {
    var bytes = [UInt8](try PictureFixtures.data("rgb-444.jpg"))
    let frame = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
    let error = try error(bytes, name: "photo.jpg")
    #expect(error.kind == .unsupported && error.message.contains("65500 x 65500"))
  }

  @Test("a picture without pixels is refused") func noPixels() throws {
    #expect(try error(Self.png(0, 5)).kind == .malformed)
  }

  @Test("a JPEG with stray bytes before its end is read, as in image viewers") func strayBytes() throws {
    let whole = [UInt8](try PictureFixtures.data("rgb-420.jpg"))
    let strays = whole.dropLast(2) + [0, 1, 2, 3] + whole.suffix(2)
    #expect(try RGBImage(data: Data(strays)) == PictureFixtures.image("rgb-420.jpg"))
    #expect(throws: InputError.self) { try RGBImage(data: Data(strays.dropLast(2))) }
  }

  @Test(
    "a picture with arbitrary changes is read or throws, and never traps",
    arguments: [
      "rgb8.png", "interlaced-grey1.png", "palette-short.png", "gamma16.png", "rgb-420.jpg",
      "progressive.jpg",
      "restarts.jpg", "cmyk.jpg",
    ])
  func mutations(name: String) throws {
    let whole = [UInt8](try PictureFixtures.data(name))
    var random = SplitMix(seed: 20)
    var refused = 0
    for _ in 0..<400 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let i = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[i] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[i] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(i..<min(bytes.count, i + Int.random(in: 1...9, using: &random)))
        default: bytes.insert(contentsOf: bytes[i..<min(bytes.count, i + 7)], at: i)
        }
      }
      // A picture of a hundred million pixels is valid, but takes long.
      guard !Self.isHuge(bytes) else { continue }
      do {
        let image = try RGBImage(data: Data(bytes))
        #expect(image.bytes.count == 3 * image.width * image.height)
      } catch let error as InputError {
        refused += 1
        #expect(error.message.hasPrefix("The picture"))
      }
      _ = RGBImage.text(in: Data(bytes))
    }
    #expect(refused > 100)
  }

  static func isHuge(_ bytes: [UInt8]) -> Bool {
    guard bytes.count > 24 else { return false }
    if bytes[1] == 0x50 { return bytes[16] | bytes[17] | bytes[20] | bytes[21] != 0 }
    return bytes.indices.dropLast(9).contains { i in
      bytes[i] == 0xFF && (0xC0...0xC2).contains(bytes[i + 1]) && max(bytes[i + 5], bytes[i + 7]) > 3
    }
  }
}
