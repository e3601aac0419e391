import Foundation
import Pictures

/// The files written by Tools/write_picture_fixtures.py.
enum PictureFixtures {
  static func url(_ name: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/pictures/\(name)")
  }

  static func data(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }

  static func image(_ name: String) throws -> RGBImage { try RGBImage(contentsOf: url(name)) }

  /// Returns the 64-bit FNV-1a checksum in the format of the scripts in Tools.
  static func checksum(_ bytes: [UInt8]) -> String {
    let value = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
