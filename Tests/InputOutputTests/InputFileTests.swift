import Foundation
import InputOutput
import TestSupport
import Testing

@Suite("Input files") struct InputFileTests {
  private func failure(_ work: () throws -> some Any) throws -> InputError? {
    do {
      _ = try work()
      return nil
    } catch let error as InputError {
      return error
    }
  }

  @Test("bytes can be read at any offset")
  func places() throws {
    let folder = try ScratchFolder()
    let file = try InputFile(folder.file("a", 0..<200))
    #expect(file.byteCount == 200)
    #expect(try file.contents() == Data(0..<200))
    #expect(try file.bytes(30..<50) == Data(30..<50) && file.bytes(200..<200).isEmpty)
    #expect(try file.prefix(3) == Data([0, 1, 2]) && file.prefix(1000) == Data(0..<200))
    let empty = try InputFile(folder.file("b", []))
    #expect(try empty.byteCount == 0 && empty.contents().isEmpty && empty.prefix(8).isEmpty)
  }

  @Test("missing files and files that are not regular are refused without waiting")
  func sorts() throws {
    let folder = try ScratchFolder()
    try #require(mkfifo(folder("pipe").path, 0o600) == 0)
    let socket = try listen(at: folder("socket").path)
    defer { close(socket) }
    #expect(try failure { try InputFile(folder("none")) }?.kind == .missing)
    #expect(try failure { try InputFile(folder.file("a", [1]).appending(path: "b")) }?.kind == .missing)
    for (url, word) in [
      (folder.url, "folder"), (folder("pipe"), "pipe"), (folder("socket"), "socket"),
      (URL(fileURLWithPath: "/dev/null"), "device"), (URL(fileURLWithPath: "/dev/zero"), "device"),
    ] {
      let error = try failure { try InputFile(url) }
      #expect(error?.kind == .malformed)
      #expect(error?.message.contains(word) == true && error?.message.contains(url.path) == true)
    }
  }

  @Test("links are followed, also to a pipe")
  func links() throws {
    let folder = try ScratchFolder()
    try #require(mkfifo(folder("pipe").path, 0o600) == 0)
    for name in ["pipe", "file"] {
      try FileManager.default.createSymbolicLink(at: folder("to-\(name)"), withDestinationURL: folder(name))
    }
    #expect(try failure { try InputFile(folder("to-file")) }?.kind == .missing)
    _ = try folder.file("file", [7])
    #expect(try InputFile(folder("to-file")).contents() == Data([7]))
    #expect(try failure { try InputFile(folder("to-pipe")) }?.kind == .malformed)
  }

  @Test("a file that is truncated or modified after it was opened throws an error and does not crash")
  func changes() throws {
    let folder = try ScratchFolder()
    let url = try folder.file("a", 0..<200)
    for change in ["truncated", "extended", "overwritten"] {
      _ = try folder.file("a", 0..<200)
      let file = try InputFile(url)
      #expect(try file.bytes(100..<150) == Data(100..<150))
      switch change {
      case "truncated": try #require(truncate(url.path, 120) == 0)
      case "extended": try #require(truncate(url.path, 300) == 0)
      // Two successive writes may have the same time stamp in the file system.
      default:
        try FileManager.default.setAttributes([.modificationDate: Date.distantPast], ofItemAtPath: url.path)
      }
      for range in [100..<150, 0..<200, 110..<111] {
        let error = try failure { try file.bytes(range) }
        #expect(error?.kind == .malformed, "\(change), \(range)")
        #expect(error?.message.contains(url.path) == true && error?.message.contains("start again") == true)
      }
    }
  }

  @Test("a file that is replaced or removed after it was opened is read unchanged")
  func replacement() throws {
    let folder = try ScratchFolder()
    let url = try folder.file("a", [1, 2, 3])
    let file = try InputFile(url)
    try AtomicFile.write(Data([4]), to: url)
    #expect(try file.contents() == Data([1, 2, 3]))
    try FileManager.default.removeItem(at: url)
    #expect(try file.contents() == Data([1, 2, 3]))
  }

  @Test("a huge file that is expected to be small is refused before memory is allocated")
  func limit() throws {
    let folder = try ScratchFolder()
    let url = try folder.file("a", [])
    try #require(truncate(url.path, off_t(InputFile.wholeLimit) + 1) == 0)
    let file = try InputFile(url)
    #expect(try failure { try file.contents() }?.kind == .unsupported)
    #expect(try file.bytes(InputFile.wholeLimit..<InputFile.wholeLimit + 1) == Data([0]))
  }

  /// Creates a socket with a path in the file system.
  private func listen(at path: String) throws -> Int32 {
    #if canImport(Darwin)
      let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
    #else
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    try #require(bytes.count < MemoryLayout.size(ofValue: address.sun_path))
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let result = withUnsafePointer(to: address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(result == 0)
    return descriptor
  }
}
