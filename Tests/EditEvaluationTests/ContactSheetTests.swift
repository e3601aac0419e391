import EditEvaluation
import Foundation
import Tensor
import TestSupport
import Testing

private let white = SIMD3<UInt8>(repeating: 255)

/// Returns the number of pixels that are not white.
private func ink(_ image: RGBImage) -> Int {
  stride(from: 0, to: image.bytes.count, by: 3).count { image.bytes[$0..<$0 + 3].contains { $0 != 255 } }
}

@Suite("Contact sheet") struct ContactSheetTests {
  private static let blank = RGBImage(width: 96, height: 20)
  private static let printable = (UInt8(33)...126).map { String(UnicodeScalar($0)) }

  private static func inked(_ label: String) -> RGBImage {
    var sheet = ContactSheet([.init(RGBImage(width: 12, height: 1), label: label)])
    sheet.tileWidth = 12
    return sheet.rendered()
  }

  @Test("each printable ASCII character has a different glyph, and others are question marks") func font() {
    let pictures = Self.printable.map { Self.inked($0).bytes }
    #expect(Set(pictures).count == 94)
    #expect(!pictures.contains(Self.inked(" ").bytes))
    for other in ["é", "\u{1F405}", "\u{7F}", "中"] { #expect(Self.inked(other) == Self.inked("?")) }
  }

  @Test("no label or title is truncated, whatever its length") func longTexts() {
    let dotsByCharacter = Dictionary(
      uniqueKeysWithValues: Self.printable.map { ($0, ink(Self.inked($0)) / 4) })
    func dots(in text: String) -> Int { text.reduce(0) { $0 + (dotsByCharacter[String($1)] ?? 0) } }

    let labels = [
      "", "short", "a tiger sitting next to a mirror, in four or five lines of text", "two\nlines",
      String(repeating: "Donaudampfschifffahrt", count: 4), "gjpqy,;",
    ]
    var sheet = ContactSheet(labels.map { .init(Self.blank, label: $0) }, columns: 4)
    sheet.columnTitles = [
      "first column", "second", "third", "a title that is wider than its column of pictures",
    ]
    sheet.rowTitles = [
      "row one", "the second row, which has a long title, longer than its pictures are high",
    ]
    let texts = labels + sheet.columnTitles + sheet.rowTitles
    let expected = 4 * dots(in: texts.joined())
    #expect(ink(sheet.rendered()) == expected)

    sheet.title = "A title over everything, in larger letters"
    #expect(ink(sheet.rendered()) == expected + dots(in: sheet.title) * 9)
  }

  @Test("pictures are complete, and small ones are enlarged by integer factors") func pictures() {
    let (small, wide, tall) = (noisePicture(40, 12), noisePicture(120, 10), noisePicture(15, 9))
    var sheet = ContactSheet(rows: [
      [.init(small, label: "a"), nil], [.init(wide), .init(tall, label: "b")], [],
    ])
    sheet.tileWidth = 96
    let rendered = sheet.rendered()
    func contains(_ picture: RGBImage) -> Bool {
      (0...rendered.height - picture.height).contains { y in
        (0...rendered.width - picture.width).contains { x in
          rendered[x, y] == picture[0, 0] && rendered[x + 1, y + 1] == picture[1, 1]
            && (try? rendered.cropped(
              to: PixelRect(x: x, y: y, width: picture.width, height: picture.height))) == picture
        }
      }
    }
    #expect(contains(small.enlarged(by: 2)))
    #expect(contains(wide))
    #expect(contains(tall.enlarged(by: 6)))
  }

  @Test("a sheet may be empty") func empty() {
    #expect(ink(ContactSheet([]).rendered()) == 0)
    #expect(ink(ContactSheet(rows: [[nil], []]).rendered()) == 0)
  }

  @Test("pixels are enlarged to squares") func enlarging() {
    let image = noisePicture(5, 3)
    let large = image.enlarged(by: 3)
    #expect(large.width == 15 && large.height == 9)
    for y in 0..<9 { for x in 0..<15 { #expect(large[x, y] == image[x / 3, y / 3]) } }
  }
}
