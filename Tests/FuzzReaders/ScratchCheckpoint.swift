internal import DiffusionCore
internal import Foundation
internal import TestSupport

/// A copy of a small checkpoint in which one file at a time is replaced.
final class ScratchCheckpoint: @unchecked Sendable {
  private let folder: ScratchFolder
  private let model: URL
  /// The replaced file and its original content; the content is nil if the file did not exist.
  private var replaced: (url: URL, original: Data?)?
  private let lock = NSLock()

  init() {
    do {
      folder = try ScratchFolder()
      model = folder("model")
      try FileManager.default.copyItem(at: Fixtures.url("models/sharded"), to: model)
    } catch {
      fatalError("cannot copy the fixture: \(error)")
    }
  }

  /// Returns the checkpoint with one file replaced and all others unchanged.
  func replacing(_ name: String, with bytes: Data) throws -> Checkpoint {
    try lock.withLock {
      if let replaced {
        if let original = replaced.original {
          try original.write(to: replaced.url)
        } else {
          try FileManager.default.removeItem(at: replaced.url)
        }
      }
      let url = model.appending(path: name)
      replaced = (url, try? Data(contentsOf: url))
      try bytes.write(to: url)
      return try Checkpoint(model)
    }
  }
}
