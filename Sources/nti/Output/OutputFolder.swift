internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// An output folder of a command, checked before the work begins, and created when the first file is written.
struct OutputFolder {
  /// The path as the user wrote it.
  let path: String

  var url: URL { URL(fileURLWithPath: path, isDirectory: true) }

  /// Checks that files can be written to a folder.
  ///
  /// - Throws: `UsageError` if they cannot.
  init(checking path: String) throws {
    self.path = path
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      guard isFolder.boolValue else { throw UsageError("\(path) is a file. Name a folder.") }
      try UsageError.catching { try AtomicFile.checkWritable(url.appendingPathComponent("report.json")) }
    } else {
      try UsageError.catching { try AtomicFile.checkWritable(URL(fileURLWithPath: path)) }
    }
  }
}
