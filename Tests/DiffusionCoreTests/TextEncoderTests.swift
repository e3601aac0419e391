import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("CLIP text encoder") struct TextEncoderTests {
  private func encoder(_ checkpoint: Checkpoint) throws -> CLIPTextEncoder {
    try CLIPTextEncoder(
      checkpoint.configuration(of: .textEncoder), weights: checkpoint.weights(of: .textEncoder))
  }

  @Test("embeds texts like transformers, including tokenization", arguments: GoldenFile.names)
  func embeddings(name: String) throws {
    let golden = try GoldenFile(name)
    let encoder = try encoder(golden.checkpoint)
    let tokenizer = try CLIPTokenizer(golden.checkpoint)
    let cases = golden.cases("text", member: "embedding")
    #expect(!cases.isEmpty)
    for prefix in cases {
      let text = try #require(golden.file.metadata[prefix])
      let ids = try golden.tensor("\(prefix).ids").scalars.map { Int($0) }
      #expect(try tokenizer.paddedIDs(of: text) == ids)
      expectClose(try encoder(ids), try golden.tensor("\(prefix).embedding"), relative: 1e-5)
    }
  }

  @Test("a token changes its own and all later embeddings, and no earlier ones", arguments: [0, 1, 40, 76])
  func causality(position: Int) throws {
    let checkpoint = try Checkpoint(Fixtures.url("models/linear-v"))
    let encoder = try encoder(checkpoint)
    var ids = try CLIPTokenizer(checkpoint).paddedIDs(of: "a cat")
    let before = try encoder(ids)
    ids[position] = (ids[position] + 1) % encoder.configuration.vocabularySize
    let after = try encoder(ids)
    #expect(before.shape == [encoder.length, encoder.width])
    for row in 0..<encoder.length { #expect((before[row] == after[row]) == (row < position), "row \(row)") }
  }

  @Test("weights can have the prefix of older files or none")
  func prefixes() throws {
    let checkpoint = try Checkpoint(Fixtures.url("models/plain-first"))
    let weights = try SafetensorsFile(
      contentsOf: Fixtures.url("models/plain-first/text_encoder/model.safetensors"))
    let ids = try CLIPTokenizer(checkpoint).paddedIDs(of: "a cat")
    let expected = try encoder(checkpoint)(ids)
    let isPrefixed = weights.names.allSatisfy { $0.hasPrefix("text_model.") }
    var writer = SafetensorsWriter()
    for name in weights.names {
      let other = isPrefixed ? String(name.dropFirst("text_model.".count)) : "text_model.\(name)"
      writer.add(other, try weights.tensor(named: name))
    }
    let folder = try ScratchFolder()
    try writer.write(to: folder("x"))
    let renamed = try CLIPTextEncoder(
      checkpoint.configuration(of: .textEncoder),
      weights: WeightScope(SafetensorsFile(contentsOf: folder("x"))))
    #expect(try renamed(ids) == expected)
  }

  @Test("unknown tokens and weights of another width throw")
  func misfits() throws {
    let checkpoint = try Checkpoint(Fixtures.url("models/linear-v"))
    let encoder = try encoder(checkpoint)
    for ids in [[], Array(repeating: 0, count: 76), Array(repeating: 0, count: 78)] {
      #expect { try encoder(ids) } throws: { ($0 as? InputError)?.kind == .mismatch }
    }
    for stranger in [-1, encoder.configuration.vocabularySize] {
      let ids = Array(repeating: 0, count: 76) + [stranger]
      #expect { try encoder(ids) } throws: { "\($0)".contains("\(stranger)") }
    }
    let other = try Checkpoint(Fixtures.url("models/four-levels"))
    #expect {
      try CLIPTextEncoder(
        checkpoint.configuration(of: .textEncoder), weights: other.weights(of: .textEncoder))
    } throws: {
      ($0 as? InputError)?.kind == .malformed && "\($0)".contains("token_embedding.weight")
    }
  }
}
