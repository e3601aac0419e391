internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// A folder that a command is to write into, checked before the work begins; it is made when the first file is written.
struct OutputFolder {
  /// As the user wrote it.
  let path: String

  var url: URL { URL(fileURLWithPath: path, isDirectory: true) }

  /// - Throws: `UsageError` if nothing can be written there.
  init(checking path: String) throws {
    self.path = path
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      guard isFolder.boolValue else { throw UsageError("\(path) is a file; name a folder.") }
      try UsageError.catching { try AtomicFile.checkWritable(url.appendingPathComponent("report.json")) }
    } else {
      try UsageError.catching { try AtomicFile.checkWritable(URL(fileURLWithPath: path)) }
    }
  }
}
