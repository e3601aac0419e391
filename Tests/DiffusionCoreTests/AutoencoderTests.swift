import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("The autoencoder") struct AutoencoderTests {
  private func autoencoder(_ golden: GoldenFile) throws -> AutoencoderKL {
    try AutoencoderKL(
      golden.checkpoint.configuration(of: .vae), weights: golden.checkpoint.weights(of: .vae))
  }

  @Test("encodes to the latents of diffusers, square pictures and others", arguments: GoldenFile.names)
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

  @Test("decodes to the pictures of diffusers, square latents and others", arguments: GoldenFile.names)
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
}
