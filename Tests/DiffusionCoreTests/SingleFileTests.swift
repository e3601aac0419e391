import Foundation
import Tensor
import TestSupport
import Testing

@testable import DiffusionCore

@Suite("Single files") struct SingleFileTests {
  private func options(prediction: NoiseSchedule.Prediction? = nil) -> ModelOptions {
    var options = ModelOptions()
    options.prediction = prediction
    return options
  }

  private func failure(_ body: () throws -> Void) -> InputError? {
    do {
      try body()
      return nil
    } catch {
      return error as? InputError
    }
  }

  @Test(
    "the tensors are exactly those of diffusers, and there are no others",
    arguments: OriginalCheckpoint.structures)
  func tensors(structure: String) throws {
    let folder = try ScratchFolder()
    let original = try OriginalCheckpoint(structure)
    try original.writeFile(folder("model.safetensors"))
    let checkpoint = try Checkpoint(folder("model.safetensors"))
    for part in Checkpoint.Part.networks {
      let wanted = try #require(original.networks[part.rawValue])
      let store = try checkpoint.storedWeights(of: part)
      #expect(Set(store.names) == Set(wanted.keys), "\(part)")
      for (name, tensor) in wanted {
        #expect(try store.tensor(named: name) == tensor, "\(name)")
      }
    }
  }

  @Test(
    "conversion to folders keeps the fingerprint",
    arguments: OriginalCheckpoint.structures)
  func conversion(structure: String) throws {
    let folder = try ScratchFolder()
    let original = try OriginalCheckpoint(structure)
    try original.writeFile(folder("model.safetensors"))
    let options = options(prediction: .velocity)
    let checkpoint = try Checkpoint(folder("model.safetensors"), options: options)
    // The vocabulary of the small encoder is not CLIP's.
    #expect(failure { try checkpoint.write(to: folder("model")) }?.message.contains("--text-encoder") == true)

    try original.writeFolders(folder("weights"))
    for part in Checkpoint.Part.networks {
      try checkpoint.configurationJSON(of: part).write(
        to: folder("weights/\(part.rawValue)/config.json"))
    }
    try FileManager.default.createDirectory(
      at: folder("weights/scheduler"), withIntermediateDirectories: true)
    try checkpoint.configurationJSON(of: .scheduler).write(
      to: folder("weights/scheduler/scheduler_config.json"))
    #expect(try checkpoint.modelFingerprint() == Checkpoint(folder("weights")).modelFingerprint())
  }

  @Test("the inferred architecture is that of the tensors")
  func configurations() throws {
    let folder = try ScratchFolder()
    func unet(_ structure: String) throws -> UNetConfiguration {
      let file = folder("\(structure).safetensors")
      try OriginalCheckpoint(structure).writeFile(file)
      return try Checkpoint(file).configuration(of: .unet)
    }
    let first = try unet("sd1")
    #expect(first.blockOutChannels == [32, 32, 64, 64] && first.layersPerBlock(at: 0) == 2)
    #expect(
      first.downBlockTypes == Array(repeating: "CrossAttnDownBlock2D", count: 3) + ["DownBlock2D"]
        && first.upBlockTypes == ["UpBlock2D"] + Array(repeating: "CrossAttnUpBlock2D", count: 3)
        && first.midBlockType == "UNetMidBlock2DCrossAttn")
    #expect(first.heads(at: 0) == 8 && first.crossAttentionChannels(at: 0) == 64)
    #expect(!first.usesLinearProjection && first.sampleSize == (64, 64))
    let second = try unet("sd2")
    #expect(second.usesLinearProjection && second.heads(at: 0) == 1)
    #expect(try unet("inpainting").inChannels == 9)
    let tiny = try unet("bk-sdm-tiny")
    #expect(tiny.midBlockType == nil && tiny.layersPerBlock(at: 2) == 1 && tiny.blockOutChannels.count == 3)
    #expect(tiny.downBlockTypes.allSatisfy { $0 == "CrossAttnDownBlock2D" })
    let sdxs = try unet("sdxs")
    #expect(sdxs.downBlockTypes[0] == "DownBlock2D" && sdxs.upBlockTypes[2] == "UpBlock2D")

    let checkpoint = try Checkpoint(folder("sd2.safetensors"))
    let text: TextEncoderConfiguration = try checkpoint.configuration(of: .textEncoder)
    #expect(text.layerCount == 2 && text.headCount == 1 && text.activation == "gelu")
    let vae: AutoencoderKLConfiguration = try checkpoint.configuration(of: .vae)
    #expect(vae.blockOutChannels == [32, 32, 32, 64] && vae.layersPerBlock == 2 && vae.latentChannels == 4)
  }

  @Test("the prediction type comes from the caller, else from the file, else from the family")
  func prediction() throws {
    let folder = try ScratchFolder()
    func prediction(
      _ structure: String, metadata: [String: String] = [:], _ said: NoiseSchedule.Prediction? = nil
    ) throws -> String {
      let file = folder("model.safetensors")
      try OriginalCheckpoint(structure).writeFile(file, metadata: metadata)
      let configuration: SchedulerConfiguration = try Checkpoint(file, options: options(prediction: said))
        .configuration(of: .scheduler)
      return configuration.predictionType
    }
    #expect(try prediction("bk-sdm-tiny") == "epsilon")
    #expect(try prediction("bk-sdm-tiny", .velocity) == "v_prediction")
    #expect(failure { _ = try prediction("sd2") }?.message.contains("--prediction v") == true)
    #expect(try prediction("sd2", .epsilon) == "epsilon")
    #expect(try prediction("sd2", metadata: ["modelspec.prediction_type": "v"]) == "v_prediction")
    #expect(try prediction("sd2", metadata: ["modelspec.prediction_type": "v"], .epsilon) == "epsilon")
    let unet: UNetConfiguration = try Checkpoint(
      folder("model.safetensors"), options: options(prediction: .velocity)
    ).configuration(of: .unet)
    #expect(unet.sampleSize == (96, 96))
  }

  @Test("finds networks without a prefix, without text_model, or with diffusers names")
  func prefixes() throws {
    let folder = try ScratchFolder()
    let original = try OriginalCheckpoint("bk-sdm-tiny")
    try original.writeFile(folder("whole.safetensors"))
    let whole = try Checkpoint(folder("whole.safetensors"))
    try original.writeFile(folder("short.safetensors")) { name in
      name.replacing("cond_stage_model.transformer.text_model.", with: "cond_stage_model.transformer.")
    }
    #expect(try Checkpoint(folder("short.safetensors")).modelFingerprint() == whole.modelFingerprint())
    var writer = SafetensorsWriter()
    for (part, tensors) in original.networks {
      for (name, tensor) in tensors { writer.add("\(part).\(name)", tensor) }
    }
    try writer.write(to: folder("diffusers.safetensors"))
    #expect(try Checkpoint(folder("diffusers.safetensors")).modelFingerprint() == whole.modelFingerprint())

    try original.writeFile(folder("unet.safetensors")) { name in
      name.hasPrefix("model.diffusion_model.") ? String(name.dropFirst(22)) : nil
    }
    let half = try Checkpoint(folder("unet.safetensors"))
    let error = failure { _ = try half.modelFingerprint() }
    #expect(error?.kind == .missing && error?.message.contains("--vae") == true)
    var options = ModelOptions()
    options.autoencoder = folder("whole.safetensors")
    options.textEncoder = folder("whole.safetensors")
    let filled = try Checkpoint(folder("unet.safetensors"), options: options)
    #expect(try filled.modelFingerprint() == whole.modelFingerprint())
  }

  @Test("a tensor under two names, or a file of another kind, throws")
  func refusals() throws {
    let folder = try ScratchFolder()
    let original = try OriginalCheckpoint("bk-sdm-tiny")
    var writer = SafetensorsWriter()
    for (name, tensor) in original.stored {
      writer.add(name, tensor)
      if name.contains("attn_1.q.") {
        writer.add(name.replacing("attn_1.q.", with: "attn_1.to_q."), tensor)
      }
    }
    for (name, tensor) in original.stored where name.hasPrefix("cond_stage_model.transformer.text_model.") {
      writer.add(name.replacing("text_model.", with: ""), tensor)
    }
    try writer.write(to: folder("twice.safetensors"))
    let checkpoint = try Checkpoint(folder("twice.safetensors"))
    let twice = failure { _ = try checkpoint.weights(of: .textEncoder) }
    #expect(twice?.kind == .malformed && twice?.message.contains("twice") == true)

    for (name, word) in [
      ("conditioner.embedders.1.model.ln_final.weight", "SDXL"),
      ("double_blocks.0.img_mod.lin.weight", "Flux"),
      ("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", "--lora"),
      ("control_model.input_blocks.0.0.weight", "ControlNet"), ("something.else", "without"),
    ] {
      var writer = SafetensorsWriter()
      writer.add(name, Tensor([1], shape: [1]))
      try writer.write(to: folder("other.safetensors"))
      let error = failure { _ = try Checkpoint(folder("other.safetensors")) }
      #expect(
        error?.kind == .unsupported && error?.message.contains(word) == true,
        "\(name): \(String(describing: error))")
    }
  }

  @Test("the bundled vocabulary gives the tokens of transformers")
  func vocabulary() throws {
    let tokens = try JSONDecoder().decode(
      [String: [Int]].self, from: Data(contentsOf: Fixtures.url("single-files/tokens.json")))
    let tokenizer = try CLIPTokenizer(.standard(.end), path: "")
    for (text, ids) in tokens { #expect(tokenizer.tokenize(text).ids == ids, "\(text)") }
    #expect(tokenizer.paddingID == 49407 && tokenizer.maximumLength == 77)
    #expect(try CLIPTokenizer(.standard(.exclamationMark), path: "").paddingID == 0)
  }
}
