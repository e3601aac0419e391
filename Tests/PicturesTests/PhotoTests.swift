import Foundation
import TestSupport
import Testing

@testable import Pictures

/// The files and Pillow's results for them are written by `Tools/write_photo_fixtures.py`.
@Suite("Photos") struct PhotoTests {
  struct Expected: Codable {
    let width: Int
    let height: Int
    let orientation: Int
    let use: String
    var profile: String?
    /// For pictures that must match exactly.
    var checksum: String?
    /// For pictures with converted colors.
    var rgb: Data?
  }

  static let expected: [String: Expected] =
    (try? JSONDecoder().decode([String: Expected].self, from: data("expected.json"))) ?? [:]

  static func data(_ name: String) throws -> Data { try Data(contentsOf: Fixtures.url("photos/\(name)")) }

  @Test("photos are read upright and in sRGB, as by Pillow", arguments: expected.keys.sorted())
  func reading(name: String) throws {
    let expected = try #require(Self.expected[name])
    let (image, facts) = try RGBImage.read(Fixtures.url("photos/\(name)"))
    #expect(image.width == expected.width && image.height == expected.height)
    if let checksum = expected.checksum { #expect(PictureFixtures.checksum(image.bytes) == checksum) }
    if let rgb = expected.rgb {
      let difference = zip(image.bytes, rgb).map { abs(Int($0) - Int($1)) }.max() ?? 255
      #expect(difference <= (facts.bits == 16 ? 1 : 2))
    }
    #expect(facts.orientation.rawValue == expected.orientation)
    switch facts.profile {
    case .none: #expect(expected.use == "none")
    case .ignored: #expect(expected.use == "ignored")
    case .sRGB(let name): #expect(expected.use == "sRGB" && expected.profile == name)
    case .converted(let name): #expect(expected.use == "converted" && expected.profile == name)
    }
  }

  @Test("all fixtures are present") func fixtures() { #expect(Self.expected.count == 67) }

  @Test("animated photos are refused with a message that says so") func animation() throws {
    let error = try #require(throws: InputError.self) {
      _ = try RGBImage(data: Self.data("animated.webp"))
    }
    #expect(error.kind == .unsupported)
    #expect(error.message.contains("is an animated WebP") && error.message.contains("webpmux"))
  }

  @Test(
    "truncated photos are refused", arguments: ["lossy.webp", "lossless-alpha.webp", "rgba-16.png"])
  func truncated(name: String) throws {
    let whole = try Self.data(name)
    for length in 12..<whole.count - 1 {
      let error = #expect(throws: InputError.self, "\(length) of \(whole.count) bytes") {
        try RGBImage(data: whole.prefix(length))
      }
      #expect(error?.kind == .malformed)
    }
  }

  @Test("photos that declare too many pixels are refused before memory is allocated") func bomb() throws {
    var bytes = [UInt8](try Self.data("lossy.webp"))
    // The size follows the start code of the frame, in 14 bits per side.
    let frame = try #require(
      bytes.indices.dropLast(8).first { bytes[$0..<$0 + 3].elementsEqual([0x9D, 0x01, 0x2A]) })
    bytes.replaceSubrange(frame + 3..<frame + 7, with: [0xFF, 0x3F, 0xFF, 0x3F])
    let error = try #require(throws: InputError.self) { _ = try RGBImage(data: Data(bytes)) }
    #expect(error.kind == .unsupported && error.message.contains("16383 x 16383"))
  }

  @Test("photos with large profiles or long chains of tables are read quickly") func hostileProfile() throws {
    // The segments of a JPEG can hold 16 MB; a profile above the limit is ignored.
    let jpeg = [UInt8](try Self.data("orientation-1.jpg"))
    let piece = [UInt8](repeating: 0, count: 65_519)
    for count in [129, 255] {
      let segments = (1...count).flatMap { number -> [UInt8] in
        [0xFF, 0xE2, 0xFF, 0xFF] + Array("ICC_PROFILE\0".utf8) + [UInt8(number), UInt8(count)] + piece
      }
      let (image, facts) = try Self.read(jpeg.prefix(2) + segments + jpeg.dropFirst(2))
      #expect(facts.profile == .ignored)
      #expect(try image == RGBImage(data: Data(jpeg)))
    }
    // A chain of 100,000 tables at one offset, each of 20,000 numbers.
    var profile = try #require(try Self.profile(of: "P3-like.jpg"))
    func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    let links = 100_000
    let table =
      [UInt8]("clut\0\0\0\0".utf8) + [0, 3, 0, 3, 19, 19, 19]
      + [UInt8](repeating: 0, count: 13 + 4 * 3 * 19 * 19 * 19)
    var chain = [UInt8]("mpet\0\0\0\0".utf8) + [0, 3, 0, 3] + number(links)
    for _ in 0..<links { chain += number(16 + 8 * links) + number(table.count) }
    chain += table
    // Replaces the description.
    profile.replaceSubrange(132..<144, with: Array("D2B0".utf8) + number(profile.count) + number(chain.count))
    profile += chain
    profile.replaceSubrange(0..<4, with: number(profile.count))
    let clock = ContinuousClock()
    let time = clock.measure {
      let conversion = ColorConversion(.bytes(profile), from: .rgb8, to: .rgb8)
      #expect(conversion.use == .converted(name: "without a name"))
    }
    #expect(time < .seconds(5))
  }

  @Test(
    "photos with arbitrary changes are read or throw, and never trap",
    arguments: [
      "orientation-6.jpg", "orientation-5.png", "orientation-6.webp", "P3-like-pieces.jpg",
      "A98-like-alpha.webp",
      "grey.jpg", "cmyk-inks.jpg", "lossy-alpha.webp", "grey-alpha-16.png",
    ])
  func mutations(name: String) throws {
    let whole = [UInt8](try Self.data(name))
    var random = SplitMix(seed: 21)
    for _ in 0..<100 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        // Bytes before the pixels; the size fields are left unchanged, because a picture of a hundred million pixels
        // takes long.
        let i = Int.random(in: 30..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[i] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[i] = UInt8.random(in: 0...255, using: &random)
        default: bytes.removeSubrange(i..<min(bytes.count, i + Int.random(in: 1...9, using: &random)))
        }
      }
      guard !BadPictureTests.isHuge(bytes) else { continue }
      do {
        let image = try RGBImage(data: Data(bytes))
        #expect(image.bytes.count == 3 * image.width * image.height)
      } catch let error as InputError {
        #expect(error.message.hasPrefix("The picture"))
      }
    }
  }

  private static func read(_ bytes: [UInt8]) throws -> (image: RGBImage, facts: PictureFacts) {
    let folder = try ScratchFolder()
    return try RGBImage.read(folder.file("photo", bytes))
  }

  private static func profile(of name: String) throws -> [UInt8]? {
    guard case .bytes(let bytes) = JPEGSegments.profile(in: [UInt8](try data(name))) else { return nil }
    return bytes
  }
}
