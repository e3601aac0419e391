import DiffusionCore
import Foundation
import NullTextInversion
import Tensor
import TestSupport
import Testing

@Suite("Bad input") struct BadInputTests {
  /// Expects that a run fails before the work begins: with `status`, a one-line error that contains `sentence`, and no
  /// files written.
  private func expectRefusal(
    _ arguments: [String], in scratch: Scratch, status: Int32, saying sentence: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let before = try scratch.names
    let run = try await Program.run(arguments, in: scratch)
    #expect(run.status == status, "\(run.errors)", sourceLocation: sourceLocation)
    #expect(run.output == "", sourceLocation: sourceLocation)
    let lines = run.errors.split(separator: "\n").filter { $0 != "reading the model" }
    #expect(lines.count == 1, "\(run.errors)", sourceLocation: sourceLocation)
    #expect(lines.first?.hasPrefix("nti: ") == true, sourceLocation: sourceLocation)
    #expect(run.errors.contains(sentence), "\(run.errors)", sourceLocation: sourceLocation)
    #expect(try scratch.names == before, sourceLocation: sourceLocation)
  }

  private func invert(_ photo: String, _ more: String...) -> [String] {
    ["invert", photo, "--caption", "a cat", "-o", "out.nti"] + more
  }

  @Test("a pipe instead of a file is rejected without reading it") func pipes() async throws {
    let scratch = try Scratch()
    try RGBImage(width: 32, height: 32).write(to: scratch("photo.png"))
    try #require(mkfifo(scratch("pipe").path, 0o600) == 0)
    for command in [
      invert("pipe"), ["inspect", "pipe"], ["reconstruct", "pipe"],
      invert("photo.png", "--model", "pipe"), ["edit", "pipe", "--prompt", "a"],
    ] {
      try await expectRefusal(command, in: scratch, status: 65, saying: "pipe")
    }
  }

  @Test("a missing photo is rejected") func missingPhoto() async throws {
    try await expectRefusal(invert("none.png"), in: Scratch(), status: 66, saying: "There is no file")
  }

  @Test("a text file named .png is rejected") func textAsPicture() async throws {
    let scratch = try Scratch()
    try Data("not a picture\n".utf8).write(to: scratch("photo.png"))
    try await expectRefusal(invert("photo.png"), in: scratch, status: 65, saying: "not a PNG, JPEG or WebP")
  }

  @Test("a truncated picture is rejected") func truncatedPicture() async throws {
    let scratch = try Scratch()
    let data = try RGBImage(width: 64, height: 64).pngData()
    try data.prefix(data.count / 2).write(to: scratch("photo.png"))
    try await expectRefusal(invert("photo.png"), in: scratch, status: 65, saying: "truncated")
  }

  @Test("a small file that declares a huge picture is rejected") func hugePicture() async throws {
    let scratch = try Scratch()
    var data = try RGBImage(width: 64, height: 64).pngData()
    data.replaceSubrange(16..<24, with: [0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0])
    try data.write(to: scratch("photo.png"))
    try await expectRefusal(invert("photo.png"), in: scratch, status: 65, saying: "100000 x 100000")
  }

  @Test("a picture with a side under 16 pixels is rejected") func tinyPicture() async throws {
    let scratch = try Scratch()
    try RGBImage(width: 15, height: 40).write(to: scratch("photo.png"))
    try await expectRefusal(invert("photo.png"), in: scratch, status: 65, saying: "15 x 40")
  }

  @Test("a caption or a prompt of more than 77 tokens is rejected") func longText() async throws {
    let scratch = try Scratch()
    try RGBImage(width: 32, height: 32).write(to: scratch("photo.png"))
    let long = Array(repeating: "cat", count: 76).joined(separator: " ")
    try await expectRefusal(
      ["invert", "photo.png", "--caption", long, "-o", "out.nti"], in: scratch, status: 65,
      saying: "78 tokens")
    try await expectRefusal(
      ["generate", "--prompt", long, "-o", "out.png"], in: scratch, status: 65, saying: "78 tokens")
  }

  @Test("an output that cannot be written is rejected") func outputs() async throws {
    let scratch = try Scratch()
    try RGBImage(width: 32, height: 32).write(to: scratch("photo.png"))
    let photo = try Data(contentsOf: scratch("photo.png"))
    for (output, says) in [
      ("none/out.nti", "no folder"), (".", "folder"), ("photo.png", "is the input"),
      ("./photo.png", "is the input"),
    ] {
      try await expectRefusal(
        ["invert", "photo.png", "--caption", "a cat", "-o", output], in: scratch, status: 64, saying: says)
    }
    for (output, says) in [("none/out.png", "no folder"), ("out.gif", ".png"), ("out", ".png")] {
      try await expectRefusal(
        ["generate", "--prompt", "a cat", "-o", output], in: scratch, status: 64, saying: says)
    }
    try await expectRefusal(["demo", "-o", "photo.png"], in: scratch, status: 64, saying: "photo.png")
    #expect(try Data(contentsOf: scratch("photo.png")) == photo)
  }

  @Test("a missing model is rejected") func missingModel() async throws {
    let scratch = try Scratch()
    try RGBImage(width: 32, height: 32).write(to: scratch("photo.png"))
    for (model, says) in [("./none", "./none"), ("none", "none"), ("some/model", "hf download some/model")] {
      try await expectRefusal(invert("photo.png", "--model", model), in: scratch, status: 66, saying: says)
    }
    try await expectRefusal(
      invert("photo.png", "--model", "photo.png"), in: scratch, status: 65,
      saying: "is a picture, not a model. A model is a folder")
  }

  @Test("an unsupported model is rejected with its kind") func foreignModels() async throws {
    let scratch = try Scratch()
    try RGBImage(width: 32, height: 32).write(to: scratch("photo.png"))
    func write(_ name: String, _ keys: String...) throws {
      var writer = SafetensorsWriter()
      for key in keys { writer.add(key, Tensor(zeros: [1])) }
      try writer.write(to: scratch(name))
    }
    try write(
      "lora.safetensors", "lora_unet_down_blocks_0.lora_down.weight", "lora_unet_down_blocks_0.lora_up.weight"
    )
    try write("single.safetensors", "model.diffusion_model.out.0.weight", "first_stage_model.a")
    try write("xl.safetensors", "model.diffusion_model.out.0.weight", "conditioner.embedders.1.a")
    try Data("PK\u{3}\u{4}rest of a zip file".utf8).write(to: scratch("old.ckpt"))
    try Data("GGUF and more".utf8).write(to: scratch("q4.gguf"))
    for (name, pipeline) in [("xl", "StableDiffusionXLPipeline"), ("flux", "FluxPipeline")] {
      try FileManager.default.createDirectory(at: scratch(name), withIntermediateDirectories: true)
      try Data(#"{"_class_name": "\#(pipeline)"}"#.utf8).write(to: scratch("\(name)/model_index.json"))
    }
    for (model, status, says) in [
      ("lora.safetensors", 65, "is a LoRA"),
      ("single.safetensors", 65, "without networks of a Stable Diffusion"),
      ("xl.safetensors", 65, "SDXL"), ("old.ckpt", 65, "can run code"), ("q4.gguf", 65, "GGUF"),
      ("xl", 65, "an SDXL model"), ("flux", 65, "FluxPipeline"), ("photo.png", 65, "is a picture"),
      ("https://example.com/a/b", 66, "is an address"),
      ("\(Sample.model)/unet/diffusion_pytorch_model.safetensors", 65, "one network of a checkpoint"),
    ] {
      try await expectRefusal(
        invert("photo.png", "--model", model), in: scratch, status: Int32(status), saying: says)
      if !model.hasPrefix("photo"), !model.hasPrefix("lora"), !model.hasPrefix("xl"), model != "flux" {
        try await expectRefusal(["inspect", model], in: scratch, status: Int32(status), saying: says)
      }
    }
    try await expectRefusal(
      ["edit", "photo.png", "--prompt", "a"], in: scratch, status: 64,
      saying: "is a picture: describe it with --caption")
    try await expectRefusal(
      ["invert", "https://example.com/a.png", "--caption", "a"], in: scratch, status: 66,
      saying: "is an address")
  }

  @Test("a missing or damaged inversion, or a file of another kind, is rejected") func inversions()
    async throws
  {
    let scratch = try Scratch()
    try Data("not an inversion".utf8).write(to: scratch("text.nti"))
    let weights = Fixtures.url("models/plain-first/vae/diffusion_pytorch_model.safetensors")
    try FileManager.default.copyItem(at: weights, to: scratch("weights.nti"))
    try Data(contentsOf: weights).prefix(5000).write(to: scratch("cut.nti"))
    for command in [["edit", "--prompt", "a"], ["reconstruct"]] {
      for (file, status, says) in [
        ("none.nti", 66, "none.nti"), ("text.nti", 65, "text.nti"), ("weights.nti", 65, "not an inversion"),
        ("cut.nti", 65, "cut.nti"),
      ] {
        try await expectRefusal(command + [file], in: scratch, status: Int32(status), saying: says)
      }
    }
  }

  @Test("a checkpoint with a missing part, configuration or tensor, or with truncated weights, is rejected")
  func checkpoints() async throws {
    let scratch = try Scratch()
    try RGBImage(width: 32, height: 32).write(to: scratch("photo.png"))
    let model = scratch("model")
    let unet = "unet/diffusion_pytorch_model.safetensors"
    func change(_ edit: (URL) throws -> Void, status: Int32, saying sentence: String) async throws {
      try FileManager.default.copyItem(at: Fixtures.url("models/plain-first"), to: model)
      try edit(model)
      try await expectRefusal(
        invert("photo.png", "--model", "model", "--steps", "1"), in: scratch, status: status, saying: sentence
      )
      try FileManager.default.removeItem(at: model)
    }
    for name in ["vae", "tokenizer", "unet/config.json", "scheduler/scheduler_config.json", unet] {
      try await change(
        { try FileManager.default.removeItem(at: $0.appendingPathComponent(name)) }, status: 66,
        saying: String(name.split(separator: "/")[0]))
    }
    try await change(
      {
        let file = $0.appendingPathComponent(unet)
        var bytes = try Data(contentsOf: file)
        let name = try #require(bytes.range(of: Data("\"conv_out.weight\"".utf8)))
        bytes.replaceSubrange(name, with: Data("\"conv_0ut.weight\"".utf8))
        try bytes.write(to: file)
      }, status: 66, saying: "lacks the tensor \"conv_out.weight\"")
    try await change(
      {
        let file = $0.appendingPathComponent(unet)
        try Data(contentsOf: file).dropLast(100).write(to: file)
      }, status: 65, saying: unet)
    try await change(
      { try Data("{".utf8).write(to: $0.appendingPathComponent("unet/config.json")) }, status: 65,
      saying: "not valid JSON")
  }
}
