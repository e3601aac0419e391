public import Foundation

/// A folder that is removed when the last reference to it is gone.
public final class ScratchFolder: Sendable {
  /// Where it is.
  public let url: URL

  /// Makes an empty folder.
  public init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "null-text-inversion-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The place of a file in the folder.
  public func callAsFunction(_ name: String) -> URL { url.appending(path: name) }

  /// A file of the given bytes.
  public func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> URL {
    let file = self(name)
    try Data(bytes).write(to: file)
    return file
  }

  /// The names of all that is in it, hidden files included.
  public var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}
