import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@testable import NullTextInversion

@Suite("Damaged inversion files") struct InversionFileDamageTests {
  /// Expects a `malformed` error whose message names the file and the defect.
  private func expectRefusal(
    naming word: String, sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout Changed) -> Void
  ) throws {
    let error = try inputError { try Changed(Inversion.made(), change).read() }
    #expect(error?.kind == .malformed, sourceLocation: sourceLocation)
    let message = error?.message ?? "no error"
    #expect(
      message.contains("changed.nti") && message.contains(word) && message.hasSuffix("."), "\(message)",
      sourceLocation: sourceLocation)
  }

  @Test("a missing setting is named", arguments: InversionFile.Key.allCases.filter { !$0.isOptional })
  func missingKey(key: InversionFile.Key) throws {
    try expectRefusal(naming: key == .format ? "not an inversion" : key.rawValue) {
      $0.metadata[key.rawValue] = nil
    }
  }

  @Test(
    "an invalid setting is named",
    arguments: [
      ("version", ["0", "-1", "1.5", "one", "", "99999999999999999999"]),
      ("steps", ["0", "-1", "1001", "99999999999999999999", "3.0", "three", ""]),
      ("guidance", ["nan", "inf", "-1", "101", "strong", ""]),
      ("steps_offset", ["one", "", "1.0"]), ("final_alpha", ["two", "", "First"]),
      ("sampler", ["euler", "", "DDIM"]), ("timestep_spacing", ["sideways", "", "Leading"]),
      ("prediction_type", ["sample", ""]), ("method", ["magic", "", "NullText"]),
      (
        "source_size",
        ["16", "16x", "x16", "0x16", "-16x16", "16x16x16", "16xx16", "axb", "99999999999999999999x16"]
      ),
      (
        "crop",
        [
          "1,2,3", "0,0,0,0", "0,0,41,32", "9,0,32,32", "-1,0,8,8", "0,,0,8,8", "a,b,c,d", "",
          "9223372036854775807,0,9223372036854775807,8",
        ]
      ),
      ("psnr", ["nan", "", "good"]), ("psnr_bound", ["nan", "-nan", "x"]),
      (
        "options",
        ["", "{", "[]", "7", #"{"innerSteps":"many"}"#, #"{"optimizer":"magic"}"#, #"{"steps":1e99}"#]
      ),
    ])
  func wrongValue(key: String, values: [String]) throws {
    for value in values { try expectRefusal(naming: key) { $0.metadata[key] = value } }
  }

  @Test("a missing array is named", arguments: Changed.names)
  func missingArray(name: String) throws {
    try expectRefusal(naming: name) { $0.tensors[name] = nil }
  }

  @Test("a changed array is rejected unless the checksum was removed")
  func changedArray() throws {
    func change(_ name: String, _ file: inout Changed) {
      file.tensors[name]?.withMutableScalars { $0[$0.count - 1] += 1 }
    }
    for name in Changed.names {
      try expectRefusal(naming: "is damaged") { change(name, &$0) }
      let read = try Changed(Inversion.made()) {
        change(name, &$0)
        $0.metadata["checksum"] = nil
      }.read()
      #expect(try read != Inversion.made())
    }
  }

  @Test("an array with other axes, or of integers, is rejected", arguments: Changed.names)
  func wrongArray(name: String) throws {
    try expectRefusal(naming: name) { file in
      file.tensors[name] = file.tensors[name].map { $0.reshaped([1] + $0.shape) }
    }
    try expectRefusal(naming: name) { file in
      let count = file.tensors.removeValue(forKey: name)?.count ?? 0
      file.integers[name] = Array(0..<count)
    }
  }

  @Test("a NaN is rejected anywhere", arguments: Changed.names)
  func notANumber(name: String) throws {
    for number in [Float.nan, .infinity, -.infinity, .signalingNaN] {
      try expectRefusal(naming: name) { file in
        file.tensors[name]?.withMutableScalars { $0[$0.count - 1] = number }
      }
    }
  }

  @Test("inner steps must be valid counts", arguments: [-1, 0.5, 1e30, 9.2e18, 1e7] as [Float])
  func counts(number: Float) throws {
    try expectRefusal(naming: "inner_steps") {
      $0.tensors["inner_steps"] = Tensor([1, number, number], shape: [3])
    }
  }

  @Test(
    "arrays whose lengths do not fit together are rejected",
    arguments: [
      ("pivots", [5, 2, 3, 4]), ("pivots", [0, 2, 3, 4]), ("pivots", [4, 2, 4, 3]), ("pivots", [4, 2, 0, 0]),
      ("trajectory", [5, 2, 3, 4]), ("trajectory", [4, 1, 3, 4]), ("trajectory", [4, 2, 3, 5]),
      ("null_embeddings", [4, 5, 6]), ("null_embeddings", [2, 5, 6]), ("null_embeddings", [3, 0, 6]),
      ("losses", [2]), ("losses", [4]), ("inner_steps", [0]), ("inner_steps", [4]),
    ])
  func lengths(name: String, shape: [Int]) throws {
    try expectRefusal(naming: "fit together") { $0.tensors[name] = Tensor(zeros: shape) }
  }

  @Test("empty latents or embeddings are rejected even if all arrays agree")
  func noSize() throws {
    try expectRefusal(naming: "fit together") {
      $0.tensors["pivots"] = Tensor(zeros: [4, 2, 0, 4])
      $0.tensors["trajectory"] = Tensor(zeros: [4, 2, 0, 4])
    }
  }

  @Test("a file that is truncated anywhere is rejected")
  func truncated() throws {
    let folder = try ScratchFolder()
    let bytes = try Inversion.made().fileData()
    let url = folder("short.nti")
    for length in stride(from: 0, to: bytes.count, by: 37) {
      try bytes.prefix(length).write(to: url)
      let error = try inputError { try Inversion(contentsOf: url) }
      #expect(error?.kind == .malformed, "\(length) of \(bytes.count) bytes")
    }
    try (bytes + Data([0])).write(to: url)
    #expect(try inputError { try Inversion(contentsOf: url) }?.kind == .malformed)
  }

  @Test("a file with any changed bytes is rejected with a message or gives a valid inversion")
  func fuzz() throws {
    let folder = try ScratchFolder()
    let url = folder("fuzzed.nti")
    let original = try Inversion.made().fileData()
    let headerEnd = 8 + original.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    var random = SplitMix(seed: 5)
    var refusals = 0
    for round in 0..<1500 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        // Most defects are possible in the header.
        let place = Int.random(in: 0..<(round % 4 == 0 ? bytes.count : headerEnd), using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes[place] = UInt8(ascii: "9")
        case 3: bytes.swapAt(place, Int.random(in: 0..<headerEnd, using: &random))
        default: bytes.replaceSubrange(place..<place, with: [bytes[place]])
        }
      }
      try bytes.write(to: url)
      do {
        let inversion = try InversionReader(url).unfinished().inversion
        #expect(inversion.isSound, "round \(round)")
        #expect(inversion.fileData().count > 0)
      } catch let error as InputError {
        refusals += 1
        #expect(error.message.hasSuffix("."), "\(error.message)")
      }
    }
    #expect(refusals > 500)
  }
}

extension InversionFile.Key {
  /// Whether the key is optional in files.
  fileprivate var isOptional: Bool {
    self == .options || self == .pictureFingerprint || self == .libraryVersion || self == .sampler
      || self == .timestepSpacing || self == .checksum || self == .pictureSize || self == .isOfEdit
      || self == .maskFingerprint
  }
}

extension Changed {
  fileprivate static let names = ["inner_steps", "losses", "null_embeddings", "pivots", "trajectory"]
}

extension Inversion {
  /// Whether the conditions that edits rely on hold.
  fileprivate var isSound: Bool {
    (1...1000).contains(stepCount) && options.steps == stepCount && (0...100).contains(guidance)
      && crop.fits(width: sourceSize.width, height: sourceSize.height)
      && losses.count == nullEmbeddings.count && innerSteps.count == nullEmbeddings.count
      && innerSteps.allSatisfy { (0...1_000_000).contains($0) } && !psnr.isNaN && !psnrBound.isNaN
      && (pivots + trajectory + nullEmbeddings).allSatisfy {
        $0.count > 0 && $0.scalars.allSatisfy(\.isFinite)
      }
      && losses.allSatisfy(\.isFinite)
  }
}
