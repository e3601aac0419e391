import Foundation
import FuzzReaders
import TestSupport
import Testing

/// Replays the inputs that a fuzzer has collected.
@Suite("Fuzzer corpus") struct CorpusTests {
  @Test("every input returns a value or throws an InputError", arguments: FuzzReader.allCases)
  func replay(reader: FuzzReader) throws {
    let folder = Fixtures.corpus.appending(path: reader.rawValue)
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    #expect(files.count >= 10, "the corpus of \(reader) is in \(folder.path)")
    for file in files { reader.read(try Data(contentsOf: file)) }
  }

  @Test(
    "truncated inputs, and inputs with a flipped bit, return a value or throw an InputError too",
    arguments: FuzzReader.allCases)
  func damaged(reader: FuzzReader) throws {
    let folder = Fixtures.corpus.appending(path: reader.rawValue)
    var random = SplitMix(seed: 1)
    for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .prefix(20)
    {
      let bytes = try Data(contentsOf: file)
      guard !bytes.isEmpty else { continue }
      reader.read(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
      var turned = bytes
      turned[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      reader.read(turned)
    }
  }
}
