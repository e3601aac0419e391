internal import DiffusionCore
internal import Foundation
internal import TestSupport

/// A copy of a small checkpoint of which one file at a time is replaced.
final class ScratchCheckpoint: @unchecked Sendable {
  private let folder: ScratchFolder
  private let model: URL
  /// The file that is replaced now, and what it was; nil if there was none.
  private var replaced: (url: URL, original: Data?)?
  private let lock = NSLock()

  init() {
    do {
      folder = try ScratchFolder()
      model = folder("model")
      try FileManager.default.copyItem(at: Fixtures.url("models/sharded"), to: model)
    } catch {
      fatalError("the fixture cannot be copied: \(error)")
    }
  }

  /// The checkpoint with another file under a name, and all others as they were.
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
