import Foundation
import Tensor
import TestSupport
import Testing

@testable import DiffusionCore

@Suite("Safetensors: writing") struct SafetensorsWritingTests {
  @Test("a file has the same bytes as from the safetensors library")
  func sameBytes() throws {
    var writer = SafetensorsWriter()
    writer.add("c", Tensor([5], shape: []))
    writer.add("a", Tensor([1e-3, -7, 3], shape: [3]))
    writer.add("b.weight", Tensor((0..<6).map { Float($0) / 4 }, shape: [2, 3]))
    writer.metadata["caption"] = "a \"cat\" \\ dog\n\tcafé 猫\u{1}"
    #expect(writer.data() == (try Data(contentsOf: Fixtures.url("weights/written.safetensors"))))
  }

  @Test("written files can be read, including integers and unusual names")
  func roundTrip() throws {
    let folder = try ScratchFolder()
    let strings = [
      "empty": "", "quotes": "\"'\\/", "lines": "a\r\nb\u{8}\u{c}\u{1f}\u{7f}",
      "scripts": "é e\u{301} 猫 👍🏽 \u{2028}",
      "ünïcode": "key",
    ]
    let integers = [0, 1, -1, Int(Int32.max), Int.min, Int.max]
    var writer = SafetensorsWriter()
    writer.metadata = strings
    writer.add("odd", Tensor([1, 2, 3], shape: [3, 1]))
    writer.add("none", Tensor(zeros: [0, 4]))
    writer.add("a \"name\"\n", Tensor([.infinity, -.zero], shape: [2]))
    writer.add("steps", integers: integers, shape: [2, 3])
    writer.add("z", integers: [])
    writer.add("odd", Tensor([4, 5, 6], shape: [1, 3]))
    try writer.write(to: folder("x.safetensors"))

    let file = try SafetensorsFile(contentsOf: folder("x.safetensors"))
    #expect(file.metadata == strings)
    #expect(file.names == ["a \"name\"\n", "none", "odd", "steps", "z"])
    #expect(try file.tensor(named: "odd") == Tensor([4, 5, 6], shape: [1, 3]))
    #expect(try file.tensor(named: "a \"name\"\n").scalars.map(\.bitPattern) == [0x7f80_0000, 0x8000_0000])
    #expect(try file.tensor(named: "none").shape == [0, 4])
    #expect(try file.integers(named: "steps") == integers && file.shape(of: "steps") == [2, 3])
    #expect(file.entries.values.allSatisfy { $0.range.lowerBound.isMultiple(of: $0.type == "I64" ? 8 : 4) })
    #expect(try folder.names == ["x.safetensors"])
  }

  @Test("the order of addition does not change the file")
  func order() {
    let names = ["b", "a.b", "a", "ab", "Z", "é", "0"]
    func file(_ names: [String]) -> Data {
      var writer = SafetensorsWriter()
      for name in names {
        writer.add(name, Tensor([Float(name.utf8.count)], shape: [1]))
        writer.add("i.\(name)", integers: [name.utf8.count])
        writer.metadata[name] = name
      }
      return writer.data()
    }
    #expect(file(names) == file(names.reversed()))
  }

  @Test("a file without tensors is valid")
  func nothing() throws {
    let folder = try ScratchFolder()
    try SafetensorsWriter().write(to: folder("x"))
    #expect(try SafetensorsFile(contentsOf: folder("x")).names == [])
  }

  @Test("a missing folder throws and no file is left behind")
  func unwritable() throws {
    let folder = try ScratchFolder()
    #expect { try SafetensorsWriter().write(to: folder("no/x")) } throws: {
      ($0 as? InputError)?.kind == .unwritable
    }
    #expect(try folder.names == [])
  }
}
