import DiffusionCore
import EmojiScenes
import Foundation
import NullTextInversion
import Tensor
import TestSupport
import Testing

@Suite("nti inspect") struct InspectTests {
  @Test("a checkpoint is described by its parts, sizes and fingerprint") func checkpoint() async throws {
    let run = try await Program.run(["inspect", "emoji-scenes"])
    #expect(run.status == 0)
    // The numbers are those of the model's documentation and of `ls`.
    for fact in [
      "128 x 128 pixels", "8 x 16 x 16", "8.8 million", "F16", "scaled_linear", "steps offset 1", "16514",
    ] {
      #expect(run.output.contains(fact), "\(fact)")
    }
    let report = try await Program.run(["inspect", "emoji-scenes", "--json"]).json()
    let folder = try Checkpoint(EmojiScenes.folder())
    #expect(report["fingerprint"] as? String == (try folder.modelFingerprint()))
    #expect(report["latentShape"] as? [Int] == [8, 16, 16])
  }

  @Test("all shards of a checkpoint are counted") func shards() async throws {
    let path = Fixtures.url("models/sharded").path
    let report = try await Program.run(["inspect", path, "--json"]).json()
    let parts = try #require(report["parts"] as? [String: [String: Any]])
    let weights = try #require(parts["unet"]?["weights"] as? [String: Any])
    #expect((weights["files"] as? [String])?.count == 3)
    let index = try JSONSerialization.jsonObject(
      with: Data(
        contentsOf: Fixtures.url("models/sharded/unet/diffusion_pytorch_model.safetensors.index.json")))
    let map = try #require((index as? [String: Any])?["weight_map"] as? [String: String])
    #expect(weights["tensorCount"] as? Int == map.count)
  }

  @Test("a checkpoint without a part is described by its other parts") func incomplete() async throws {
    let scratch = try Scratch()
    try FileManager.default.copyItem(at: Fixtures.url("models/plain-first"), to: scratch("model"))
    try FileManager.default.removeItem(at: scratch("model/vae"))
    let run = try await Program.run(["inspect", "model"], in: scratch)
    #expect(run.status == 66)
    #expect(run.output.contains("UNet, channels"))
    #expect(run.errors.hasPrefix("nti: ") && run.errors.contains("vae"))
  }

  @Test("an inversion is described by its settings, arrays and losses") func inversion() async throws {
    let sample = try await Sample()
    let text = try await sample.run(["inspect", "photo.nti"])
    #expect(text.status == 0)
    #expect(text.output.hasPrefix("photo.nti: an inversion\n"))
    #expect(text.output.contains(Sample.caption))
    let report = try await sample.run(["inspect", "photo.nti", "--json"]).json()
    let metadata = try #require(report["metadata"] as? [String: String])
    #expect(metadata["steps"] == "\(Sample.steps)")
    #expect(metadata["source_size"] == "40x24")
    let arrays = try #require(report["arrays"] as? [String: [Int]])
    #expect(arrays["pivots"] == [Sample.steps + 1, 8, 8, 8])
    #expect(arrays["losses"] == [Sample.steps])
    #expect(report["isComplete"] as? Bool == true)
  }

  @Test("a photo is described by its format, upright size, orientation and color profile")
  func photo() async throws {
    let path = Fixtures.url("photos/P3-like-turned.jpg").path
    let text = try await Program.run(["inspect", path])
    #expect(
      text.output == """
        \(path): a picture
          format         JPEG, RGB, 8 bits
          size           16 x 20 pixels
          orientation    rotated clockwise
          color profile  P3-like, converted to sRGB
          recipe         none

        """)
    let report = try await Program.run(["inspect", path, "--json"]).json()
    #expect(report["orientation"] as? Int == 6 && report["width"] as? Int == 16)
    #expect(report["profile"] as? [String: String] == ["name": "P3-like", "use": "converted"])
    for (name, facts) in [
      ("lossy-alpha.webp", ["WebP, RGB with alpha, 8 bits"]), ("grey-16.png", ["PNG, gray, 16 bits"]),
      ("sRGB.png", ["sRGB built-in, which is sRGB"]), ("cmyk-inks.jpg", ["JPEG, CMYK", "inks, converted"]),
      ("broken-profile-cut.jpg", ["ignored: it is damaged"]),
    ] {
      let run = try await Program.run(["inspect", Fixtures.url("photos/\(name)").path])
      for fact in facts { #expect(run.output.contains(fact), "\(name)") }
    }
  }

  @Test("an unsupported model is described before it is rejected") func foreign() async throws {
    let scratch = try Scratch()
    var writer = SafetensorsWriter()
    writer.add("model.diffusion_model.out.0.weight", Tensor(zeros: [3, 5]))
    writer.add("conditioner.embedders.1.model.ln_final.weight", Tensor(zeros: [4]))
    try writer.write(to: scratch("xl.safetensors"))
    let file = try await Program.run(["inspect", "xl.safetensors"], in: scratch)
    #expect(file.status == 65 && file.errors.contains("Only Stable Diffusion 1 and 2 models"))
    #expect(
      file.output
        == "xl.safetensors: an SDXL checkpoint\n  weights  19 parameters in 2 tensors, F32, 76 bytes, xl.safetensors\n"
    )

    try FileManager.default.createDirectory(at: scratch("xl"), withIntermediateDirectories: true)
    try Data(#"{"_class_name": "StableDiffusionXLPipeline"}"#.utf8).write(to: scratch("xl/model_index.json"))
    let folder = try await Program.run(["inspect", "xl", "--json"], in: scratch)
    let json = try folder.json()
    #expect(folder.status == 65)
    #expect(json["kind"] as? String == "unsupported model" && json["name"] as? String == "an SDXL model")
  }

  @Test("a picture is described, and other files are rejected") func others() async throws {
    let scratch = try Scratch()
    try RGBImage(width: 20, height: 30).write(to: scratch("photo.png"))
    let picture = try await Program.run(["inspect", "photo.png", "--json"], in: scratch).json()
    #expect(picture["width"] as? Int == 20 && picture["height"] as? Int == 30)
    try Data("text".utf8).write(to: scratch("text"))
    for (item, status) in [("text", 65), ("none", 66)] {
      let run = try await Program.run(["inspect", item], in: scratch)
      #expect(run.status == Int32(status))
      #expect(run.output == "" && run.errors.hasPrefix("nti: "))
    }
  }
}
