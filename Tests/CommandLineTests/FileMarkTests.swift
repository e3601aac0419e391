import Foundation
import NullTextInversion
import Testing

@testable import nti

@Suite("File mark") struct FileMarkTests {
  private static let picture: RGBImage = {
    var picture = RGBImage(width: 5, height: 4)
    for y in 0..<4 { for x in 0..<5 { picture[x, y] = SIMD3(UInt8(50 * x), UInt8(60 * y), 7) } }
    return picture
  }()

  private static func files() throws -> [Data] {
    [
      try picture.pngData(text: ["nti:recipe": "{}"]), try picture.jpegData(text: ["nti:recipe": "{}"]),
      Data("{\n  \"steps\" : 3\n}\n".utf8), Data("<svg xmlns=\"http://www.w3.org/2000/svg\">\n</svg>\n".utf8),
    ]
  }

  @Test("a mark is recognized, and any changed, added or missing byte is detected", arguments: 0..<4)
  func marks(number: Int) throws {
    let plain = try Self.files()[number]
    let marked = FileMark.marking(plain)
    #expect(!FileMark.isUntouched(plain))
    #expect(FileMark.isUntouched(marked))
    for index in marked.indices {
      var changed = marked
      changed[index] ^= 1
      #expect(!FileMark.isUntouched(changed), "byte \(index)")
      #expect(!FileMark.isUntouched(marked.prefix(index)), "\(index) bytes")
    }
    #expect(!FileMark.isUntouched(marked + [10]))
  }

  @Test("a marked file keeps its content") func formats() throws {
    let files = try Self.files().map(FileMark.marking)
    #expect(try RGBImage(data: files[0]) == Self.picture)
    let texts = RGBImage.text(in: files[0])
    #expect(texts["nti:recipe"] == "{}")
    #expect(texts[FileMark.name]?.count == 16)
    #expect(try RGBImage(data: files[1]) == RGBImage(data: Self.files()[1]))
    #expect(RGBImage.text(in: files[1]) == ["nti:recipe": "{}"])
    let json = try JSONSerialization.jsonObject(with: files[2]) as? [String: Any]
    #expect(json?["steps"] as? Int == 3)
    #expect(String(decoding: files[3], as: UTF8.self).hasSuffix("-->\n</svg>\n"))
  }

  @Test("files of other formats get no mark") func others() {
    for text in ["", "{", "{\n", "name,value\n1,2\n", "\u{FF}\u{D8}"] {
      #expect(!FileMark.isUntouched(Data(text.utf8)))
    }
    #expect(FileMark.marking(Data("name,value\n".utf8)) == Data("name,value\n".utf8))
  }
}
