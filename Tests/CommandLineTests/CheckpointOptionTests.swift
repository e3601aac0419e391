import Foundation
import NullTextInversion
import Tensor
import TestSupport
import Testing

@Suite("Options that change the model") struct CheckpointOptionTests {
  private let scratch: Scratch
  private let layer = "lora_unet_mid_block_resnets_0_conv1"

  init() throws {
    scratch = try Scratch()
    var random = RandomSource(seed: 1)
    var writer = SafetensorsWriter()
    writer.add("\(layer).lora_down.weight", random.normal(shape: [2, 24, 3, 3]))
    writer.add("\(layer).lora_up.weight", random.normal(shape: [24, 2, 1, 1]))
    try writer.write(to: scratch("style.safetensors"))
  }

  private func generate(_ output: String, _ options: String...) async throws -> Program.Outcome {
    try await Program.run(
      [
        "generate", "--prompt", "a cat", "--model", Sample.model, "--steps", "2", "-o", output, "--force",
      ] + options, in: scratch)
  }

  @Test("a LoRA changes pictures according to its weight, and has no effect with weight zero") func lora()
    async throws
  {
    for (name, options) in [
      ("plain.png", []), ("none.png", ["--lora", "style.safetensors=0"]),
      ("whole.png", ["--lora", "style.safetensors"]), ("half.png", ["--lora", "style.safetensors=0.5"]),
      ("sum.png", ["--lora", "style.safetensors=0.75", "--lora", "style.safetensors=-0.25"]),
    ] {
      let run = try await Program.run(
        [
          "generate", "--prompt", "a cat", "--model", Sample.model, "--steps", "2", "-o", name, "--quiet",
        ] + options, in: scratch)
      #expect(run.status == 0, "\(run.errors)")
    }
    let pictures = try ["plain", "none", "whole", "half", "sum"].map {
      try RGBImage(contentsOf: scratch("\($0).png"))
    }
    #expect(pictures[0] == pictures[1] && pictures[3] == pictures[4])
    #expect(pictures[0] != pictures[2] && pictures[2] != pictures[3])
  }

  @Test("a LoRA changes the model's fingerprint, and inspect lists it")
  func fingerprints() async throws {
    func report(_ options: String...) async throws -> [String: Any] {
      try await Program.run(["inspect", Sample.model, "--json"] + options, in: scratch).json()
    }
    let (plain, changed) = try await (report(), report("--lora", "style.safetensors=0.5"))
    #expect(plain["fingerprint"] as? String != changed["fingerprint"] as? String)
    let loras = try #require(changed["loras"] as? [[String: Any]])
    #expect(loras[0]["weight"] as? Double == 0.5 && loras[0]["layers"] as? String == "1 of the UNet")
    let sample = try await Sample()
    try FileManager.default.copyItem(
      at: scratch("style.safetensors"), to: sample.scratch("style.safetensors"))
    let run = try await sample.run("reconstruct", "--lora", "style.safetensors", "-o", "other.png")
    #expect(run.status == 65 && run.errors.contains("another model"))
    let lora = try await Program.run(["inspect", "style.safetensors", "--check"], in: scratch)
    #expect(lora.status == 0 && lora.output.contains("a LoRA") && lora.output.contains("rank"))
  }

  @Test("a converted folder is the same model") func convert() async throws {
    let run = try await Program.run(
      ["convert", Sample.model, "--lora", "style.safetensors", "-o", "merged"], in: scratch)
    #expect(run.status == 0, "\(run.errors)")
    let again = try await Program.run(
      ["convert", Sample.model, "-o", "merged"], in: scratch)
    #expect(again.status != 0 && again.errors.contains("already exists"))
    #expect(try await generate("merged.png", "--model", "merged").status == 0)
    #expect(try await generate("given.png", "--lora", "style.safetensors").status == 0)
    let (merged, given) = try (
      RGBImage(contentsOf: scratch("merged.png")), RGBImage(contentsOf: scratch("given.png"))
    )
    // The weights in the folder are rounded to half precision, those of a small model in memory are not.
    for (a, b) in zip(merged.bytes, given.bytes) { #expect(abs(Int(a) - Int(b)) <= 3) }
    let plain = try await Program.run(["convert", Sample.model, "-o", "copy"], in: scratch)
    #expect(plain.status == 0)
    #expect(
      try Checkpoint(scratch("copy")).modelFingerprint()
        == Checkpoint(URL(filePath: Sample.model)).modelFingerprint())
  }

  @Test("the missing parts of a single file are reported, and options provide them") func singleFile()
    async throws
  {
    let file = Fixtures.url("models/four-levels/unet/diffusion_pytorch_model.safetensors")
    try FileManager.default.copyItem(at: file, to: scratch("unet.safetensors"))
    let model = Fixtures.url("models/four-levels").path
    let missing = try await Program.run(["inspect", "unet.safetensors"], in: scratch)
    #expect(missing.status != 0 && missing.output.contains("--vae"))
    let whole = try await Program.run(
      ["inspect", "unet.safetensors", "--vae", model, "--text-encoder", model, "--json"], in: scratch
    )
    // Its number of norm groups is not that of Stable Diffusion, and no tensor states it.
    #expect(whole.status == 65 && whole.errors.contains("norm_num_groups"))
  }

  @Test("an invalid option is rejected with a message about it") func refusals() async throws {
    for (options, says) in [
      (["--lora", "none.safetensors"], "none.safetensors"), (["--vae", "none"], "autoencoder"),
      (["--clip-skip", "99"], "--clip-skip"), (["--clip-skip", "9"], "clip skip"),
      (["--prediction", "x0"], "prediction"), (["--lora", "style.safetensors=inf"], "style"),
      (["--vae", "style.safetensors"], "LoRA"),
    ] {
      let run = try await Program.run(
        ["generate", "--prompt", "a", "--model", Sample.model, "-o", "x.png", "--steps", "1"] + options,
        in: scratch)
      #expect(run.status != 0 && run.errors.contains(says), "\(options): \(run.errors)")
    }
  }
}
