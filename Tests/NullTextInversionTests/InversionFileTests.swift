import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Inversion files") struct InversionFileTests {
  @Test("a file restores every bit, and equal inversions give equal bytes")
  func roundTrip() throws {
    let folder = try ScratchFolder()
    var inversion = try Inversion.made()
    let extremes: [Float] = [-0.0, .leastNonzeroMagnitude, -.greatestFiniteMagnitude, .ulpOfOne, 1 / 3, 0]
    inversion.nullEmbeddings[1] = Tensor(extremes + extremes.reversed(), shape: [2, 6])
    inversion.nullEmbeddings[1] = Tensor(
      inversion.nullEmbeddings[1].scalars + [Float](repeating: -0.0, count: 18), shape: [5, 6])
    inversion.options.guidance = 0.1 + 0.2
    try inversion.write(to: folder("a.nti"))
    let read = try Inversion(contentsOf: folder("a.nti"))

    #expect(read == inversion)
    #expect(read.nullEmbeddings.map(\.bits) == inversion.nullEmbeddings.map(\.bits))
    #expect(read.pivots.map(\.bits) == inversion.pivots.map(\.bits))
    #expect(read.trajectory.map(\.bits) == inversion.trajectory.map(\.bits))
    #expect(read.caption.unicodeScalars.elementsEqual(inversion.caption.unicodeScalars))
    let bytes = try Data(contentsOf: folder("a.nti"))
    #expect(bytes == inversion.fileData())
    #expect(bytes == read.fileData())
    #expect(try folder.names == ["a.nti"])
  }

  @Test("any safetensors reader finds the arrays in channels-first layout and the settings as strings")
  func layout() throws {
    let inversion = try Inversion.made()
    let file = try PlainSafetensors(inversion.fileData())
    #expect(
      file.shapes == [
        "pivots": [4, 2, 3, 4], "trajectory": [4, 2, 3, 4], "null_embeddings": [3, 5, 6], "losses": [3],
        "inner_steps": [3],
      ])
    #expect(Set(file.types.values) == ["F32"])
    for (name, latents) in [("pivots", inversion.pivots), ("trajectory", inversion.trajectory)] {
      let numbers = try file.numbers(name)
      for (n, latent) in latents.enumerated() {
        for c in 0..<2 {
          for y in 0..<3 {
            for x in 0..<4 {
              #expect(numbers[((n * 2 + c) * 3 + y) * 4 + x] == latent.scalars[(y * 4 + x) * 2 + c])
            }
          }
        }
      }
    }
    #expect(try file.numbers("null_embeddings") == inversion.nullEmbeddings.flatMap(\.scalars))
    #expect(try file.numbers("losses") == inversion.losses)
    #expect(try file.numbers("inner_steps") == [0, 1, 2])

    let expected = [
      "format": "null-text-inversion", "version": "1", "method": "nullText", "caption": inversion.caption,
      "steps": "3", "guidance": "7.3", "steps_offset": "1", "final_alpha": "first",
      "prediction_type": "v_prediction", "model_fingerprint": "0123456789abcdef", "source_size": "40x32",
      "crop": "4,0,32,32", "psnr": "23.456789012345677", "psnr_bound": "inf",
      "library_version": libraryVersion,
      "picture_fingerprint": "fedcba9876543210", "sampler": "ddim", "timestep_spacing": "leading",
      "picture_size": "32x24", "is_of_edit": "true",
    ]
    for (key, value) in expected { #expect(file.metadata[key] == value, "\(key)") }
    #expect(Set(file.metadata.keys) == Set(expected.keys).union(["options", "checksum"]))
  }

  @Test("keys are sorted and contain neither time nor place")
  func order() throws {
    let header = try PlainSafetensors(try Inversion.made().fileData()).header
    func isSorted(_ keys: [String]) -> Bool {
      let places = keys.compactMap { header.range(of: "\"\($0)\":")?.lowerBound }
      return places.count == keys.count && places == places.sorted()
    }
    #expect(isSorted(["__metadata__", "inner_steps", "losses", "null_embeddings", "pivots", "trajectory"]))
    #expect(isSorted(InversionFile.Key.allCases.filter { $0 != .maskFingerprint }.map(\.rawValue).sorted()))
    #expect(!header.contains(NSTemporaryDirectory()) && !header.contains(NSHomeDirectory()))
  }

  @Test("an inversion with any options is read as it was written", arguments: InversionMethod.ofOwnSettings)
  func options(method: InversionMethod) throws {
    let folder = try ScratchFolder()
    var inversion = try Inversion.made()
    inversion.options.method = method
    inversion.options.pivotRefinements = 3
    try inversion.write(to: folder("a.nti"))
    #expect(try Inversion(contentsOf: folder("a.nti")).options == inversion.options)
    inversion.options.nullText?.budget = nil
    try inversion.write(to: folder("a.nti"))
    #expect(try Inversion(contentsOf: folder("a.nti")).options == inversion.options)
    #expect(InversionMethod.ofOwnSettings.map(\.name) == InversionMethod.Name.allCases)
  }

  @Test("a file of an older version without sampler and spacing uses DDIM with leading timesteps")
  func withoutSampler() throws {
    var inversion = try Inversion.made()
    inversion.schedule = inversion.schedule.with(spacing: .trailing)
    #expect(try Changed(inversion) { _ in }.read() == inversion)
    let read = try Changed(inversion) {
      for key in ["sampler", "timestep_spacing"] { $0.metadata[key] = nil }
    }.read()
    inversion.schedule = inversion.schedule.with(spacing: .leading)
    #expect(read == inversion && read.schedule.sampler == .ddim)
  }

  @Test("additions of a later library version are ignored, but a later format version is rejected")
  func versions() throws {
    let inversion = try Inversion.made()
    let added = try Changed(inversion) {
      $0.metadata["mood"] = "good"
      $0.tensors["residuals"] = Tensor(zeros: [2])
    }
    #expect(try added.read() == inversion)
    let error = try #require(
      try inputError { try Changed(inversion) { $0.metadata["version"] = "2" }.read() })
    #expect(error.kind == .unsupported && error.message.contains("version 2"))
  }

  @Test(
    "a file of another program needs neither the library's options nor the image fingerprint")
  func foreign() throws {
    let inversion = try Inversion.made()
    let read = try Changed(inversion) {
      for key in ["options", "picture_fingerprint", "library_version"] { $0.metadata[key] = nil }
    }.read()
    var options = InversionOptions()
    options.steps = 3
    options.guidance = 7.3
    #expect(read.options == options)
    #expect(read.pivots == inversion.pivots)
  }

  @Test("an unfinished inversion is rejected with advice", arguments: [0, 1, 2])
  func unfinished(made: Int) throws {
    let folder = try ScratchFolder()
    let inversion = try Inversion.made(made: made)
    try inversion.write(to: folder("a.nti.partial"))
    let error = try #require(try inputError { try Inversion(contentsOf: folder("a.nti.partial")) })
    #expect(error.message.contains("unfinished") && error.message.contains("to finish it"))
    #expect(try InversionReader(folder("a.nti.partial")).unfinished() == UnfinishedInversion(inversion))
  }

  @Test("missing files and files of other kinds give different errors")
  func others() throws {
    let folder = try ScratchFolder()
    func error(_ name: String) throws -> InputError? {
      try inputError { try Inversion(contentsOf: folder(name)) }
    }
    #expect(try error("none.nti")?.kind == .missing)
    try Data("a poem".utf8).write(to: folder("poem.nti"))
    #expect(try error("poem.nti")?.kind == .malformed)
    try Data().write(to: folder("empty.nti"))
    #expect(try error("empty.nti")?.kind == .malformed)
    var writer = SafetensorsWriter()
    writer.add("pivots", Tensor(zeros: [1]))
    try writer.write(to: folder("weights.nti"))
    #expect(try error("weights.nti")?.message.contains("not an inversion") == true)
    #expect(try error("")?.kind == .malformed)
  }
}

extension Tensor {
  /// The bit patterns of the scalars, which distinguish -0 from 0.
  var bits: [UInt32] { scalars.map(\.bitPattern) }
}

/// A reader of safetensors files that is independent of the library.
struct PlainSafetensors {
  let header: String
  private(set) var shapes: [String: [Int]] = [:]
  private(set) var types: [String: String] = [:]
  private(set) var metadata: [String: String] = [:]
  private var ranges: [String: [Int]] = [:]
  private let bytes: Data

  init(_ data: Data) throws {
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    header = String(decoding: data[8..<8 + length], as: UTF8.self)
    bytes = data[(8 + length)...]
    let json = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: [String: Any]] ?? [:]
    for (name, item) in json {
      if name == "__metadata__" {
        metadata = item as? [String: String] ?? [:]
      } else {
        shapes[name] = item["shape"] as? [Int]
        types[name] = item["dtype"] as? String
        ranges[name] = item["data_offsets"] as? [Int]
      }
    }
  }

  func numbers(_ name: String) throws -> [Float] {
    guard let range = ranges[name] else { return [] }
    return stride(from: bytes.startIndex + range[0], to: bytes.startIndex + range[1], by: 4).map { start in
      Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
  }
}

/// A changed file of an inversion.
struct Changed {
  var tensors: [String: Tensor] = [:]
  var integers: [String: [Int]] = [:]
  var metadata: [String: String]

  init(_ inversion: Inversion, _ change: (inout Changed) -> Void) throws {
    let folder = try ScratchFolder()
    try inversion.write(to: folder("a"))
    let file = try SafetensorsFile(contentsOf: folder("a"))
    metadata = file.metadata
    for name in file.names { tensors[name] = try file.tensor(named: name) }
    change(&self)
  }

  func write(to url: URL) throws {
    var writer = SafetensorsWriter()
    writer.metadata = metadata
    for (name, tensor) in tensors { writer.add(name, tensor) }
    for (name, integers) in integers { writer.add(name, integers: integers) }
    try writer.write(to: url)
  }

  func read() throws -> Inversion {
    let folder = try ScratchFolder()
    try write(to: folder("changed.nti"))
    return try Inversion(contentsOf: folder("changed.nti"))
  }
}
