import Foundation
import Tensor
import TestSupport
import Testing

@testable import DiffusionCore

@Suite("Tiny autoencoder") struct AutoencoderTinyTests {
  private static let folder = Fixtures.url("autoencoders/tiny")

  private func network() throws -> any Autoencoder {
    let layout = try ReplacementNetwork.layout(of: .vae, at: Self.folder)
    let (json, path) = try layout.configuration(of: .vae)
    let configuration = try JSONFile.decode(AutoencoderConfiguration.self, from: json, path: path)
    return try configuration.network(WeightScope(layout.store(of: .vae)))
  }

  @Test("pictures and latents match diffusers")
  func golden() throws {
    let golden = try SafetensorsFile(contentsOf: Fixtures.url("golden/tiny-autoencoder.safetensors"))
    let network = try network()
    #expect(network.downsampling == 4)
    func image(_ name: String) throws -> Tensor { try golden.tensor(named: name).channelsLast() }
    try expectClose(network.encode(image("picture")), image("encoded"), relative: 1e-5)
    try expectClose(network.decode(image("latent"), bandByteCount: nil), image("decoded"), relative: 1e-5)
  }

  @Test("a file without its configuration gives the same network")
  func inferred() throws {
    let scratch = try ScratchFolder()
    let file = scratch("taesd.safetensors")
    try FileManager.default.copyItem(
      at: Self.folder.appending(path: "diffusion_pytorch_model.safetensors"), to: file)
    let layout = try ReplacementNetwork.layout(of: .vae, at: file)
    let (json, path) = try layout.configuration(of: .vae)
    guard
      case .tiny(let found) = try JSONFile.decode(AutoencoderConfiguration.self, from: json, path: path)
    else {
      Issue.record("another kind")
      return
    }
    #expect(found.encoderBlocks == [1, 2, 1] && found.decoderBlocks == [2, 1, 1])
    #expect(found.encoderWidths == [8, 8, 8] && found.decoderWidths == [12, 12, 12])
    #expect(found.latentChannels == 4 && found.scalingFactor == 1)
  }

  @Test("a model can edit with it instead of its own autoencoder")
  func model() throws {
    var options = ModelOptions()
    options.autoencoder = Self.folder
    let source = ModelSource.directory(Fixtures.url("models/four-levels"))
    let model = try DiffusionModel(source, options: options)
    #expect(try model.pictureSize != DiffusionModel(source).pictureSize)
    #expect(try model.fingerprint != DiffusionModel(source).fingerprint)
    let latent = try model.encode(RGBImage(width: model.pictureSize.width, height: model.pictureSize.height))
    #expect(latent.shape == [model.pictureSize.height / 4, model.pictureSize.width / 4, 4])
  }

  @Test(
    "an error names the key of an unsupported value",
    arguments: [
      (#"{"_class_name": "AutoencoderTiny", "act_fn": "gelu"}"#, "act_fn"),
      (#"{"_class_name": "AutoencoderTiny", "upsample_fn": "bilinear"}"#, "upsample_fn"),
      (#"{"_class_name": "AutoencoderTiny", "upsampling_scaling_factor": 4}"#, "upsampling_scaling_factor"),
      (#"{"_class_name": "AutoencoderTiny", "num_encoder_blocks": [1]}"#, "num_decoder_blocks"),
      (
        #"{"_class_name": "AutoencoderTiny", "encoder_block_out_channels": [8, 8, 8, 9]}"#,
        "encoder_block_out"
      ),
      (#"{"_class_name": "AutoencoderTiny", "scaling_factor": 0}"#, "scaling_factor"),
      (#"{"_class_name": "AutoencoderDC"}"#, "AutoencoderDC"),
    ])
  func refusals(json: String, word: String) throws {
    let error = #expect(throws: InputError.self) {
      try JSONFile.decode(AutoencoderConfiguration.self, from: Data(json.utf8), path: "x").validate()
    }
    #expect(error?.message.contains(word) == true)
  }
}
