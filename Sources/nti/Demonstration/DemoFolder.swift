internal import Foundation
internal import NullTextInversion

/// Where the demo's files go.
struct DemoFolder {
  private let path: String

  /// Makes the folder if there is none.
  ///
  /// - Throws: `UsageError` if it cannot be written to, or holds files of the demo's names that it did not write.
  init(
    _ path: String, _ scene: DemoScene, _ arguments: InversionArguments, _ overwrite: OverwriteOption
  ) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw UsageError("The folder \(path) cannot be made; name another with -o.")
    }
    for name in ["photo", "autoencoder", "ddim", "null-text", "contact-sheet"] + scene.edits.map(\.name) {
      _ = try OutputFile(file("\(name).png").path, overwrite)
    }
    _ = try OutputFile(inversion: file("inversion.nti").path, overwrite, of: arguments)
  }

  /// A file in it.
  func file(_ name: String) -> OutputFile {
    OutputFile(unchecked: (path as NSString).appendingPathComponent(name))
  }
}
