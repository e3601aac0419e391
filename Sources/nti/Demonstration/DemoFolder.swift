internal import Foundation

/// Where the demo's files go.
struct DemoFolder {
  private let path: String

  /// Makes the folder if there is none.
  ///
  /// - Throws: `UsageError` if it cannot be written to.
  init(_ path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw UsageError("The folder \(path) cannot be made; name another with -o.")
    }
    _ = try OutputFile(file("contact-sheet.png").path)
  }

  /// A file in it.
  func file(_ name: String) -> OutputFile {
    OutputFile(unchecked: (path as NSString).appendingPathComponent(name))
  }
}
