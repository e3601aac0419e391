internal import Foundation
internal import NullTextInversion

/// The folder that the demo writes to.
struct DemoFolder {
  private let path: String

  /// Creates the folder if it does not exist.
  ///
  /// - Throws: `UsageError` if the folder cannot be created, or holds files with the demo's names that `nti` did not
  ///   write.
  init(
    _ path: String, _ scene: DemoScene, _ arguments: InversionArguments, _ overwrite: OverwriteOption
  ) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw UsageError("The folder \(path) cannot be created. Name another with -o.")
    }
    for name in ["photo", "autoencoder", "ddim", "null-text", "contact-sheet"] + scene.edits.map(\.name) {
      _ = try OutputFile(file("\(name).png").path, overwrite)
    }
    _ = try OutputFile(inversion: file("inversion.nti").path, overwrite, of: arguments)
  }

  /// Returns a file in the folder.
  func file(_ name: String) -> OutputFile {
    OutputFile(unchecked: (path as NSString).appendingPathComponent(name))
  }
}
