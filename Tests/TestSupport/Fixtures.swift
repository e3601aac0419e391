public import Foundation

/// The files under Tests/Fixtures.
public enum Fixtures {
  /// The place of a file or folder, such as `golden/mappers.json`.
  public static func url(_ path: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/\(path)")
  }

  /// The inputs that a fuzzer found, a folder for each reader.
  public static var corpus: URL { url("../Corpus").standardizedFileURL }
}
