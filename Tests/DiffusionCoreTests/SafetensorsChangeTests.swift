import Foundation
import TestSupport
import Testing

@testable import DiffusionCore
@testable import Tensor

@Suite("Safetensors: files that change") struct SafetensorsChangeTests {
  /// Writes a file with two tensors of many pieces, the second of the given type.
  private func file(in folder: ScratchFolder, type: String, size: Int) throws -> URL {
    let (rows, columns) = (300, 700)
    let count = rows * columns
    let header =
      #"{"a.weight":{"dtype":"F32","shape":[\#(rows),\#(columns)],"data_offsets":[0,\#(4 * count)]},"#
      + #""b.weight":{"dtype":"\#(type)","shape":[\#(rows),\#(columns)],"#
      + #""data_offsets":[\#(4 * count),\#((4 + size) * count)]}}"#
    return try folder.file("x", safetensors(header, data: Array(repeating: 0, count: (4 + size) * count)))
  }

  private func isRefused(_ work: () throws -> some Any) -> Bool {
    do {
      _ = try work()
      return false
    } catch {
      return (error as? InputError)?.kind == .malformed
    }
  }

  @Test(
    "reading a tensor throws if the file was truncated after it was opened",
    arguments: [("F32", 4), ("F16", 2), ("BF16", 2), ("F64", 8), ("I64", 8), ("I32", 4)])
  func truncation(type: String, size: Int) throws {
    let folder = try ScratchFolder()
    let url = try file(in: folder, type: type, size: size)
    let file = try SafetensorsFile(contentsOf: url)
    let whole = try #require(file.entries["b.weight"]).range
    #expect(try file.tensor(named: "a.weight").count == 210_000)
    for length in [whole.upperBound - 1, (whole.lowerBound + whole.upperBound) / 2, 100, 0] {
      try #require(truncate(url.path, off_t(length)) == 0)
      if type.hasPrefix("I") {
        #expect(isRefused { try file.integers(named: "b.weight") })
      } else {
        #expect(isRefused { try file.tensor(named: "b.weight") })
        #expect(
          isRefused {
            try Linear(WeightScope(file)["b"], inputs: 700, outputs: 300, hasBias: false)
          })
      }
    }
  }

  @Test("reading a model throws if its weights are overwritten meanwhile")
  func models() throws {
    let folder = try ScratchFolder()
    let url = try file(in: folder, type: "F16", size: 2)
    let weights = WeightScope(try SafetensorsFile(contentsOf: url))
    #expect(try weights.tensor("a.weight").count == 210_000)
    try FileManager.default.setAttributes([.modificationDate: Date.distantPast], ofItemAtPath: url.path)
    #expect(isRefused { try weights.tensor("a.weight") })
    #expect(isRefused { try Linear(weights["a"], inputs: 700, outputs: 300, hasBias: false) })
  }

  @Test("a range of a weight's rows has the right numbers", arguments: ["F32", "F16"])
  func rows(type: String) throws {
    let folder = try ScratchFolder()
    let patterns: [UInt16] = (0..<60).map { 0x3c00 + $0 }
    let data =
      type == "F16"
      ? patterns.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
      : patterns.flatMap { withUnsafeBytes(of: Float($0).bitPattern.littleEndian, Array.init) }
    let header = #"{"x":{"dtype":"\#(type)","shape":[5,3,4],"data_offsets":[0,\#(data.count)]}}"#
    let file = try SafetensorsFile(contentsOf: folder.file("x", safetensors(header, data: data)))
    let source = try file.weight(#require(file.entries["x"]), savesMemory: true)
    #expect(source.shape == [5, 3, 4])
    for rows in [0..<5, 2..<4, 4..<5] {
      let expected = patterns[rows.lowerBound * 12..<rows.upperBound * 12]
      try source.withRows(rows) { base in
        if type == "F16" {
          let found = UnsafeBufferPointer(
            start: base.assumingMemoryBound(to: UInt16.self), count: expected.count)
          #expect(found.elementsEqual(expected))
        } else {
          let found = UnsafeBufferPointer(
            start: base.assumingMemoryBound(to: Float.self), count: expected.count)
          #expect(found.elementsEqual(expected.map(Float.init)))
        }
      }
    }
  }
}
