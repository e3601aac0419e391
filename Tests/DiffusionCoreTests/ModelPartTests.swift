import DiffusionCore
import Foundation
import Tensor
import TestSupport
import Testing

@Suite("A model that reads networks on demand") struct ModelPartTests {
  private static let none = ModelOptions(keptParts: [])

  @Test("gives the same results as a model that keeps its networks")
  func results() throws {
    let source = ModelSource.directory(Fixtures.url("models/sharded"))
    let (kept, read) = (try DiffusionModel(source), try DiffusionModel(source, options: Self.none))
    let picture = try kept.prepare(slopesPicture).image
    #expect(try read.embeddings(of: ["a cat", ""]) == kept.embeddings(of: ["a cat", ""]))
    let latent = try kept.encode(picture)
    #expect(try read.encode(picture) == latent)
    #expect(try read.decode(latent) == kept.decode(latent))
    func prediction(_ model: DiffusionModel) throws -> Tensor {
      let unet = try model.unet
      return unet(latent, timestep: 9, context: unet.context(try model.embedding(of: "a cat")))
    }
    #expect(try prediction(read) == prediction(kept))
    #expect(read.counter.total == kept.counter.total && read.counter.total.forward == 1)
    #expect(read.fingerprint == kept.fingerprint)
  }

  @Test("shares a network while it is in use, and frees it afterward")
  func lifetime() throws {
    let model = try DiffusionModel(
      .directory(Fixtures.url("models/sharded")), options: ModelOptions(keptParts: [.vae]))
    weak var unet: UNet?
    weak var textEncoder: CLIPTextEncoder?
    weak var autoencoder: (any Autoencoder)?
    do {
      let used = try model.unet
      #expect(try model.unet === used)
      (unet, textEncoder, autoencoder) = (used, try model.textEncoder, try model.autoencoder)
      withExtendedLifetime(used) {}
    }
    #expect(unet == nil && textEncoder == nil && autoencoder != nil)
  }

  @Test("detects missing files before any work, and weights that changed since")
  func changes() throws {
    let copy = try CheckpointCopy(of: "linear-v")
    let model = try DiffusionModel(.directory(copy.url), options: Self.none)
    let other = Fixtures.url("models/plain-first/vae/diffusion_pytorch_model.safetensors")
    let file = copy.url.appending(path: "vae/diffusion_pytorch_model.safetensors")
    try FileManager.default.removeItem(at: file)
    #expect(throws: InputError.self) { try DiffusionModel(.directory(copy.url), options: Self.none) }
    try FileManager.default.copyItem(at: other, to: file)
    let error = #expect(throws: InputError.self) { try model.autoencoder }
    #expect(error?.kind == .mismatch && error?.message.contains("changed after") == true)
  }

  @Test(
    "reading a model throws if its networks do not fit together",
    arguments: [
      ("unet/config.json", "out_channels", 8), ("unet/config.json", "in_channels", 8),
      ("unet/config.json", "cross_attention_dim", 24), ("text_encoder/config.json", "hidden_size", 64),
    ])
  func fit(test: (file: String, key: String, value: Int)) throws {
    let copy = try CheckpointCopy(of: "sharded")
    try copy.set([test.key: test.value], in: test.file)
    let error = #expect(throws: InputError.self) { try copy.model() }
    #expect(error?.kind == .mismatch)
  }
}
