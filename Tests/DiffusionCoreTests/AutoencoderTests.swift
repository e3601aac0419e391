import DiffusionCore
import EmojiScenes
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("The autoencoder") struct AutoencoderTests {
  private func autoencoder(_ golden: GoldenFile) throws -> AutoencoderKL {
    try AutoencoderKL(
      golden.checkpoint.configuration(of: .vae), weights: golden.checkpoint.weights(of: .vae))
  }

  @Test("encodes square and other pictures to the latents of diffusers", arguments: GoldenFile.names)
  func encoding(name: String) throws {
    let golden = try GoldenFile(name)
    let autoencoder = try autoencoder(golden)
    let cases = golden.cases("encode", member: "latent")
    #expect(cases.count == 2)
    for prefix in cases {
      let latent = try autoencoder.encode(try golden.image("\(prefix).picture"))
      expectClose(latent, try golden.image("\(prefix).latent"), relative: 1e-4, "\(prefix)")
    }
  }

  @Test("decodes square and other latents to the pictures of diffusers", arguments: GoldenFile.names)
  func decoding(name: String) throws {
    let golden = try GoldenFile(name)
    let autoencoder = try autoencoder(golden)
    let cases = golden.cases("decode", member: "picture")
    #expect(cases.count == 2)
    for prefix in cases {
      let picture = try autoencoder.decode(try golden.image("\(prefix).latent"))
      expectClose(picture, try golden.image("\(prefix).picture"), relative: 1e-4, "\(prefix)")
    }
  }

  /// Latent sizes and band sizes in bytes; band heights that do and do not divide the heights of the maps.
  static let bandCases = [(11, 6), (16, 16), (1, 3)].flatMap { (height, width) in
    [1, 5_000, 30_000, 100_000, 1 << 30].map { (height, width, $0) }
  }

  @Test("decodes in bands to the same pictures as without bands", arguments: GoldenFile.names, bandCases)
  func bands(name: String, test: (height: Int, width: Int, bandByteCount: Int)) throws {
    let golden = try GoldenFile(name)
    try expectSamePicture(autoencoder(golden), test)
  }

  @Test(
    "decodes in bands to the same pictures as without bands, with minimal filtering", arguments: bandCases)
  func bandsOfWideMaps(_ test: (height: Int, width: Int, bandByteCount: Int)) throws {
    let checkpoint = try Checkpoint(EmojiScenes.folder())
    let autoencoder = try AutoencoderKL(
      checkpoint.configuration(of: .vae), weights: checkpoint.weights(of: .vae))
    try expectSamePicture(autoencoder, test)
  }

  private func expectSamePicture(
    _ autoencoder: AutoencoderKL, _ test: (height: Int, width: Int, bandByteCount: Int)
  ) throws {
    var random = RandomSource(seed: 11)
    let latent = random.normal(shape: [test.height, test.width, autoencoder.configuration.latentChannels])
    let whole = try autoencoder.decode(latent)
    let banded = try autoencoder.decode(latent, bandByteCount: test.bandByteCount)
    expectClose(banded, whole, relative: 1e-5, "\(test)")
  }
}
