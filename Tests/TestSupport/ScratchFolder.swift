public import Foundation

/// A temporary folder that is removed with the last reference to it.
public final class ScratchFolder: Sendable {
  /// The URL of the folder.
  public let url: URL

  /// Creates an empty folder.
  public init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "null-text-inversion-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Returns the URL of a file in the folder.
  public func callAsFunction(_ name: String) -> URL { url.appending(path: name) }

  /// Writes a file with the given bytes, and returns its URL.
  public func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> URL {
    let file = self(name)
    try Data(bytes).write(to: file)
    return file
  }

  /// The names of all files and folders in it, including hidden ones.
  public var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}
