import Foundation
import Pictures

/// The files that Tools/write_picture_fixtures.py writes.
enum PictureFixtures {
  static func url(_ name: String) -> URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/pictures/\(name)")
  }

  static func data(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }

  static func image(_ name: String) throws -> RGBImage { try RGBImage(contentsOf: url(name)) }
}
