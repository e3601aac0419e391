public import Foundation

/// The files in Tests/Fixtures.
public enum Fixtures {
  /// Returns the URL of a file or folder, such as `golden/mappers.json`.
  public static func url(_ path: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/\(path)")
  }

  /// The inputs found by fuzzers, with a folder per reader.
  public static var corpus: URL { url("../Corpus").standardizedFileURL }
}
