import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

/// Returns the bytes of a safetensors file with the given header.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
  withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8) + data
}

@Suite("Safetensors: reading") struct SafetensorsReadingTests {
  /// A number that JSON may encode as a string.
  enum Value: Decodable {
    case number(Double)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        let text = try container.decode(String.self)
        guard let number = Double(text) else {
          throw DecodingError.dataCorruptedError(in: container, debugDescription: text)
        }
        self = .number(number)
      }
    }
  }

  @Test("tensors of every type have the numbers that the safetensors library wrote")
  func kinds() throws {
    let file = try SafetensorsFile(contentsOf: Fixtures.url("weights/kinds.safetensors"))
    let golden = try JSONDecoder().decode(
      [String: [Value]].self, from: Data(contentsOf: Fixtures.url("weights/kinds.json")))
    for (name, values) in golden where name != "eight" {
      let expected = values.map { if case .number(let number) = $0 { number } else { Double.nan } }
      if ["long", "int"].contains(name) {
        #expect(try file.integers(named: name).map(Double.init) == expected)
      } else {
        #expect(try file.tensor(named: name).scalars == expected.map(Float.init), "\(name)")
      }
    }
    #expect(try file.tensor(named: "half").scalars[1].sign == .minus)
    #expect(try file.tensor(named: "block.0.weight").shape == [1, 2, 3])
    #expect(try file.tensor(named: "scalar").shape == [])
    #expect(try file.tensor(named: "empty").shape == [0, 3])
  }

  @Test("a file lists its contents, including unsupported types")
  func listing() throws {
    let file = try SafetensorsFile(contentsOf: Fixtures.url("weights/kinds.safetensors"))
    #expect(file.metadata == ["format": "pt", "note": "ünïcode ✓"])
    #expect(file.names.count == 12 && file.names == file.names.sorted())
    #expect(file.contains("eight") && !file.contains("eigh"))
    #expect(file.scalarType(of: "eight") == "F8_E4M3" && file.shape(of: "eight") == [2])
    #expect(file.scalarType(of: "brain") == "BF16" && file.shape(of: "nothing") == nil)
    for name in ["eight", "long", "flag"] {
      #expect { try file.tensor(named: name) } throws: { ($0 as? InputError)?.kind == .unsupported }
    }
    #expect { try file.integers(named: "single") } throws: { ($0 as? InputError)?.kind == .unsupported }
    #expect { try file.tensor(named: "nothing") } throws: { ($0 as? InputError)?.kind == .missing }
  }

  @Test("unaligned tensors are read correctly")
  func unaligned() throws {
    let file = try SafetensorsFile(contentsOf: Fixtures.url("weights/unaligned.safetensors"))
    #expect(try file.tensor(named: "a") == Tensor([1.5, -2.25, 1e-30], shape: [3]))
    #expect(try file.tensor(named: "b") == Tensor([0.5, -3], shape: [2, 1]))
  }

  @Test("a tensor has its own memory, independent of the file")
  func ownMemory() throws {
    let url = Fixtures.url("weights/written.safetensors")
    var tensor = try SafetensorsFile(contentsOf: url).tensor(named: "b.weight")
    #expect(tensor == Tensor([0, 0.25, 0.5, 0.75, 1, 1.25], shape: [2, 3]))
    tensor.withMutableScalars { $0[0] = 9 }
    #expect(try SafetensorsFile(contentsOf: url).tensor(named: "b.weight").scalars[0] == 0)
  }

  @Test("long tensors of every type are read completely", arguments: ["F32", "F16", "BF16", "F64"])
  func longTensors(type: String) throws {
    // More than one piece, and not a whole number of pieces.
    let count = 200_003
    // Eighths from 0 to 15: exact in every type.
    let numbers = (0..<count).map { Float($0 % 121) / 8 }
    func bytes(_ x: Float) -> [UInt8] {
      switch type {
      case "F32": return withUnsafeBytes(of: x.bitPattern.littleEndian, Array.init)
      case "F64": return withUnsafeBytes(of: Double(x).bitPattern.littleEndian, Array.init)
      case "BF16": return withUnsafeBytes(of: UInt16(x.bitPattern >> 16).littleEndian, Array.init)
      default:
        let half = x == 0 ? 0 : UInt16(x.bitPattern >> 13 & 0x3ff) | UInt16(Int(x.exponent) + 15) << 10
        return withUnsafeBytes(of: half.littleEndian, Array.init)
      }
    }
    let data = numbers.flatMap(bytes)
    let header = #"{"x":{"dtype":"\#(type)","shape":[\#(count)],"data_offsets":[0,\#(data.count)]}}"#
    let folder = try ScratchFolder()
    let file = try SafetensorsFile(contentsOf: folder.file("x", safetensors(header, data: data)))
    #expect(try file.tensor(named: "x").scalars == numbers)
  }

  #if !os(macOS) || arch(arm64)
    @Test("all half-precision numbers are converted exactly to single precision", arguments: [false, true])
    func halves(atOddPlace: Bool) throws {
      let patterns = (UInt16.min...UInt16.max).map { $0 }
      let data = patterns.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
      for (type, expected) in [
        ("F16", patterns.map { Float(Float16(bitPattern: $0)) }),
        ("BF16", patterns.map { Float(bitPattern: UInt32($0) << 16) }),
      ] {
        var header = #"{"x":{"dtype":"\#(type)","shape":[65536],"data_offsets":[0,131072]}}"#
        if header.utf8.count.isMultiple(of: 2) == atOddPlace { header += " " }
        let folder = try ScratchFolder()
        let file = try SafetensorsFile(contentsOf: folder.file("x", safetensors(header, data: data)))
        let scalars = try file.tensor(named: "x").scalars
        #expect(
          zip(scalars, expected).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) })
      }
    }
  #endif
}
