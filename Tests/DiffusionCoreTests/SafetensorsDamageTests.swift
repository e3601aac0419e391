import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("Safetensors: damage") struct SafetensorsDamageTests {
  private func failure(_ bytes: [UInt8]) throws -> InputError? {
    let folder = try ScratchFolder()
    let file = try folder.file("x.safetensors", bytes)
    do {
      _ = try SafetensorsFile(contentsOf: file)
      return nil
    } catch {
      return error as? InputError
    }
  }

  @Test(
    "the error for an invalid header states the reason",
    arguments: [
      ("[]", 0, "structure"), ("{", 0, "JSON"), ("", 0, "JSON"), ("\u{0}", 0, "JSON"),
      ("{}", 3, "belong to no tensor"),
      (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, "data_offsets"),
      (#"{"a":{"dtype":"F32","shape":"x","data_offsets":[0,4]}}"#, 4, "a.shape"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "outside"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, 4, "outside"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "outside"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "outside"),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775807,9223372036854775807]}}"#, 4,
        "outside"
      ),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}}"#, 4, "JSON"),
      (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "does not fit"),
      (#"{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}"#, 4, "does not fit"),
      (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4,4],"data_offsets":[0,4]}}"#, 4, "does not fit"),
      (#"{"a":{"dtype":"F32","shape":[9223372036854775807,0],"data_offsets":[0,4]}}"#, 4, "does not fit"),
      (#"{"a":{"dtype":"?","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#, 4, "does not fit"),
      (#"{"a":{"dtype":"?","shape":[4611686018427387904],"data_offsets":[0,4]}}"#, 4, "does not fit"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "gap"),
      (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "belong to no tensor"),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        8, "overlaps"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        4, "twice"
      ),
      (#"{"__metadata__":{"a":1}}"#, 0, "__metadata__"), (#"{"__metadata__":[]}"#, 0, "__metadata__"),
    ])
  func headers(header: String, byteCount: Int, word: String) throws {
    let error = try failure(safetensors(header, data: Array(repeating: 0, count: byteCount)))
    #expect(error?.kind == .malformed)
    #expect(error?.message.contains(word) == true, "\(error?.message ?? "-")")
  }

  @Test("a header length beyond the file or the limit throws")
  func lengths() throws {
    for length in [UInt64(3), 100, 100_000_001, 1 << 62, .max] {
      let bytes = withUnsafeBytes(of: length.littleEndian, Array.init) + Array("{}".utf8)
      #expect(try failure(bytes)?.kind == .malformed)
    }
    #expect(try failure([])?.kind == .malformed)
    #expect(try failure([1, 2, 3])?.kind == .malformed)
  }

  @Test("a tensor of an unknown type does not affect the others")
  func unknownType() throws {
    let header =
      #"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#
    let folder = try ScratchFolder()
    let file = try SafetensorsFile(
      contentsOf: folder.file("x", safetensors(header, data: [1, 2, 0, 0, 128, 63])))
    #expect(try file.tensor(named: "b").scalars == [1])
    #expect { try file.tensor(named: "a") } throws: { "\($0)".contains("F4") }
  }

  @Test("a missing file or a folder throws")
  func places() throws {
    let folder = try ScratchFolder()
    #expect { try SafetensorsFile(contentsOf: folder("none")) } throws: {
      ($0 as? InputError)?.kind == .missing
    }
    #expect { try SafetensorsFile(contentsOf: folder.url) } throws: {
      ($0 as? InputError)?.kind == .malformed
    }
  }

  @Test("a file truncated at any length throws")
  func truncation() throws {
    let bytes = Array(try Data(contentsOf: Fixtures.url("weights/written.safetensors")))
    let folder = try ScratchFolder()
    for count in 0..<bytes.count {
      let file = try folder.file("x", bytes.prefix(count))
      #expect("\(count) bytes") { try SafetensorsFile(contentsOf: file) } throws: {
        ($0 as? InputError)?.kind == .malformed
      }
    }
  }

  @Test("a damaged file is either read or throws an InputError", arguments: 1...4)
  func mutations(seed: UInt64) throws {
    let folder = try ScratchFolder()
    let originals = try ["written", "kinds", "unaligned"].map {
      Array(try Data(contentsOf: Fixtures.url("weights/\($0).safetensors")))
    }
    var random = SplitMix(seed: seed)
    var (read, refused) = (0, 0)
    for _ in 0..<400 {
      let original = originals[random.below(originals.count)]
      var header = Array(original[8..<8 + Int(original[0]) + 256 * Int(original[1])])
      var data = Array(original[(8 + header.count)...])
      var length = UInt64(header.count)
      for _ in 0...random.below(2) {
        let place = random.below(header.count)
        switch random.below(8) {
        case 0: header[place] = UInt8(random.below(256))
        case 1: header[place] = Array("0123456789-[]{},:\"eE. ".utf8)[random.below(22)]
        case 2: header.remove(at: place)
        case 3: header.insert(Array("0129\"]} ".utf8)[random.below(8)], at: place)
        case 4: header[place] ^= 1 << UInt8(random.below(8))
        case 5: length ^= 1 << UInt64(random.below(64))
        case 6: data[random.below(data.count)] = UInt8(random.below(256))
        default: data.removeLast()
        }
      }
      if random.below(4) > 0 { length = UInt64(header.count) }
      let bytes = withUnsafeBytes(of: length.littleEndian, Array.init) + header + data
      let file = try folder.file("x", bytes)
      do {
        let tensors = try SafetensorsFile(contentsOf: file)
        for name in tensors.names {
          // Which of the two is right depends on the type; neither may crash.
          _ = try? tensors.tensor(named: name).scalars.reduce(0, +)
          _ = try? tensors.integers(named: name)
        }
        read += 1
      } catch is InputError {
        refused += 1
      }
    }
    #expect(read > 10 && refused > 100)
  }
}

extension SplitMix {
  /// Returns a number from 0 to `limit` - 1.
  fileprivate mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
