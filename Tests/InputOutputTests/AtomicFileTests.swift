import Foundation
import InputOutput
import TestSupport
import Testing

@Suite("Files that appear when they are complete") struct AtomicFileTests {
  struct Interruption: Error {}

  @Test("replace what was there and leave nothing else", arguments: [false, true])
  func replacing(synchronized: Bool) throws {
    let folder = try ScratchFolder()
    let url = folder("a.txt")
    try AtomicFile.write(Data("one".utf8), to: url)
    try AtomicFile.write(Data("two".utf8), to: url, synchronized: synchronized)
    #expect(try Data(contentsOf: url) == Data("two".utf8))
    #expect(try folder.names == ["a.txt"])
  }

  @Test("are written in pieces") func pieces() throws {
    let folder = try ScratchFolder()
    try AtomicFile.write(to: folder("a")) { file in
      for piece in ["one ", "", "two"] { try file.append(Array(piece.utf8)) }
    }
    #expect(try Data(contentsOf: folder("a")) == Data("one two".utf8))
  }

  @Test("stay as they were if the writing fails half way") func interrupted() throws {
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

  @Test("keep the permissions of the file they replace, and links stay links") func permissionsAndLinks()
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

  @Test("are refused before the work where they cannot be") func refusals() throws {
    let folder = try ScratchFolder()
    _ = try folder.file("file", [1])
    let refused = [
      (folder("no such folder/a.png"), "there is no folder"), (folder.url, "it is a folder"),
      (folder("file/a.png"), "is not a folder"), (URL(fileURLWithPath: "/dev/null"), "not an ordinary file"),
      (folder(String(repeating: "n", count: 300)), "the name is too long"),
      (URL(fileURLWithPath: "/proc/a.png"), "/proc"),
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

  @Test("are checked without a trace") func check() throws {
    let folder = try ScratchFolder()
    let url = try folder.file("a", [1])
    try AtomicFile.checkWritable(url)
    try AtomicFile.checkWritable(folder("b"))
    #expect(try folder.names == ["a"])
    #expect(try Data(contentsOf: url) == Data([1]))
  }
}
