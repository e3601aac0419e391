import Foundation
import InputOutput
import TestSupport
import Testing

@Suite("Atomic file writes") struct AtomicFileTests {
  struct Interruption: Error {}

  @Test("an existing file is replaced, and no other file is left", arguments: [false, true])
  func replacing(synchronized: Bool) throws {
    let folder = try ScratchFolder()
    let url = folder("a.txt")
    try AtomicFile.write(Data("one".utf8), to: url)
    try AtomicFile.write(Data("two".utf8), to: url, synchronized: synchronized)
    #expect(try Data(contentsOf: url) == Data("two".utf8))
    #expect(try folder.names == ["a.txt"])
  }

  @Test("a file can be written in pieces") func pieces() throws {
    let folder = try ScratchFolder()
    try AtomicFile.write(to: folder("a")) { file in
      for piece in ["one ", "", "two"] { try file.append(Array(piece.utf8)) }
    }
    #expect(try Data(contentsOf: folder("a")) == Data("one two".utf8))
  }

  @Test("the old file is unchanged if writing fails halfway") func interrupted() throws {
    let folder = try ScratchFolder()
    let url = try folder.file("a", Array("old".utf8))
    #expect(throws: Interruption.self) {
      try AtomicFile.write(to: url) { file in
        try file.append(Array("new".utf8))
        throw Interruption()
      }
    }
    #expect(try Data(contentsOf: url) == Data("old".utf8))
    #expect(try folder.names == ["a"])
  }

  @Test("permissions of the replaced file and links are preserved") func permissionsAndLinks()
    throws
  {
    let folder = try ScratchFolder()
    let url = try folder.file("a", [1])
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: url.path)
    try FileManager.default.createSymbolicLink(at: folder("link"), withDestinationURL: url)
    try AtomicFile.write(Data([2]), to: folder("link"))
    #expect(try Data(contentsOf: url) == Data([2]))
    let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
    #expect(attributes[.posixPermissions] as? Int == 0o640)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder("link").path) == url.path)
  }

  @Test("links to files that do not exist yet are followed") func danglingLinks() throws {
    let folder = try ScratchFolder()
    let manager = FileManager.default
    try manager.createDirectory(at: folder("sub"), withIntermediateDirectories: false)
    try manager.createSymbolicLink(atPath: folder("absolute").path, withDestinationPath: folder("sub/a").path)
    try manager.createSymbolicLink(atPath: folder("relative").path, withDestinationPath: "sub/b")
    try manager.createSymbolicLink(atPath: folder("sub/up").path, withDestinationPath: "../c")
    try manager.createSymbolicLink(atPath: folder("twice").path, withDestinationPath: "sub/up")
    for (link, target) in [("absolute", "sub/a"), ("relative", "sub/b"), ("twice", "c")] {
      let destination = try manager.destinationOfSymbolicLink(atPath: folder(link).path)
      for number in [UInt8(1), 2] {
        try AtomicFile.checkWritable(folder(link))
        try AtomicFile.write(Data([number]), to: folder(link))
        #expect(try Data(contentsOf: folder(target)) == Data([number]))
        #expect(try manager.destinationOfSymbolicLink(atPath: folder(link).path) == destination)
      }
    }
  }

  @Test("links that form a cycle or lead to a missing folder are refused") func badLinks() throws {
    let folder = try ScratchFolder()
    let manager = FileManager.default
    try manager.createSymbolicLink(atPath: folder("a").path, withDestinationPath: "b")
    try manager.createSymbolicLink(atPath: folder("b").path, withDestinationPath: "a")
    try manager.createSymbolicLink(atPath: folder("c").path, withDestinationPath: "none/c")
    for (name, reason) in [("a", "points to itself"), ("c", "there is no folder")] {
      let error = #expect(throws: InputError.self) { try AtomicFile.write(Data([1]), to: folder(name)) }
      #expect(
        error?.kind == .unwritable && error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
    #expect(try folder.names == ["a", "b", "c"])
  }

  @Test("impossible writes are refused in advance") func refusals() throws {
    let folder = try ScratchFolder()
    _ = try folder.file("file", [1])
    let refused = [
      (folder("no such folder/a.png"), "there is no folder"), (folder.url, "it is a folder"),
      (folder("file/a.png"), "is not a folder"), (URL(fileURLWithPath: "/dev/null"), "not a regular file"),
      (folder(String(repeating: "n", count: 300)), "the name is too long"),
      (URL(fileURLWithPath: "/proc/a.png"), "no file can be created in /proc"),
    ]
    for (url, reason) in refused {
      for check in [AtomicFile.checkWritable, { try AtomicFile.write(Data([1]), to: $0) }] {
        let error = #expect(throws: InputError.self, "\(url)") { try check(url) }
        #expect(error?.kind == .unwritable)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(" cannot be written: ") == true)
      }
    }
    #expect(try folder.names == ["file"])
  }

  @Test("the check in advance leaves no file") func check() throws {
    let folder = try ScratchFolder()
    let url = try folder.file("a", [1])
    try AtomicFile.checkWritable(url)
    try AtomicFile.checkWritable(folder("b"))
    #expect(try folder.names == ["a"])
    #expect(try Data(contentsOf: url) == Data([1]))
  }
}
