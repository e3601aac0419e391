import Foundation
import Tensor
import TestSupport
import Testing

@testable import DiffusionCore

@Suite("Checkpoint folder") struct CheckpointTests {
  static let demo = Fixtures.url("../../Sources/EmojiScenes/Resources").standardizedFileURL

  private struct Anything: Decodable {}

  @Test("a path that is not a checkpoint is an error of the right kind")
  func places() throws {
    let folder = try ScratchFolder()
    let kind: (URL) -> InputError.Kind? = { url in
      do {
        _ = try Checkpoint(url)
        return nil
      } catch {
        return (error as? InputError)?.kind
      }
    }
    #expect(kind(folder("none")) == .missing)
    #expect(kind(folder.url) == .missing)
    #expect(try kind(folder.file("model.safetensors", [])) == .malformed)
    #expect(try kind(folder.file("model.ckpt", [])) == .unsupported)
    _ = try folder.file("model_index.json", "{}".utf8)
    #expect(kind(folder.url) == nil)
  }

  @Test("an error names the path of a configuration that is missing, not JSON, or unsupported")
  func configurations() throws {
    let folder = try ScratchFolder()
    try FileManager.default.createDirectory(at: folder("unet"), withIntermediateDirectories: true)
    let checkpoint = try Checkpoint(folder.url)
    for (content, kind, word) in [
      (nil, .missing, "config.json"), ("{", .malformed, "not valid JSON"),
      ("{\"in_channels\": \"four\"}", .malformed, "in_channels"),
      ("{\"addition_embed_type\": \"text_time\"}", .unsupported, "XL"),
    ] as [(String?, InputError.Kind, String)] {
      if let content { _ = try folder.file("unet/config.json", content.utf8) }
      #expect {
        let _: UNetConfiguration = try checkpoint.configuration(of: .unet)
      } throws: { error in
        let error = error as? InputError
        return error?.kind == kind && error?.message.contains(word) == true
          && error?.message.contains(folder("unet/config.json").path) == true
      }
    }
  }

  @Test("all parts of the demo model can be read")
  func demoModel() throws {
    let checkpoint = try Checkpoint(Self.demo)
    let unet: UNetConfiguration = try checkpoint.configuration(of: .unet)
    let kernel = try checkpoint.weights(of: .unet)["down_blocks"][0]["resnets.0"].tensor(
      "conv1.weight", shape: [unet.blockOutChannels[0], unet.blockOutChannels[0], 3, 3])
    #expect(kernel.scalars.allSatisfy { $0.isFinite } && kernel.scalars.contains { $0 != 0 })
    let _: AutoencoderConfiguration = try checkpoint.configuration(of: .vae)
    let _: TextEncoderConfiguration = try checkpoint.configuration(of: .textEncoder)
    let _: SchedulerConfiguration = try checkpoint.configuration(of: .scheduler)
  }
}

@Suite("Model fingerprint") struct CheckpointFingerprintTests {
  private func copy(of source: URL) throws -> ScratchFolder {
    let folder = try ScratchFolder()
    for part in Checkpoint.Part.allCases {
      try FileManager.default.copyItem(
        at: source.appending(path: part.rawValue), to: folder(part.rawValue))
    }
    return folder
  }

  private func fingerprint(_ url: URL) throws -> String { try Checkpoint(url).modelFingerprint() }

  private func change(_ url: URL, _ change: (inout [UInt8]) -> Void) throws {
    var bytes = Array(try Data(contentsOf: url))
    change(&bytes)
    // The copied file may be read-only.
    try FileManager.default.removeItem(at: url)
    try Data(bytes).write(to: url)
  }

  private let tiny = Fixtures.url("models/four-levels")

  @Test("the same content has the same sixteen digits at any path")
  func same() throws {
    let first = try fingerprint(tiny)
    #expect(first.count == 16 && first.allSatisfy { $0.isHexDigit })
    let folder = try copy(of: tiny)
    #expect(try fingerprint(folder.url) == first)
  }

  @Test("names, versions and sampler settings do not change the fingerprint")
  func bookkeeping() throws {
    let folder = try copy(of: tiny)
    for (part, old, new) in [
      (
        "unet/config.json", "{",
        #"{"_name_or_path": "elsewhere", "_diffusers_version": "9.9", "nothing": null,"#
      ),
      ("text_encoder/config.json", "{", #"{"transformers_version": "9.9", "torch_dtype": "float16","#),
      ("scheduler/scheduler_config.json", "{", #"{"skip_prk_steps": true, "clip_sample": false,"#),
    ] {
      try change(folder(part)) {
        let text = String(decoding: $0, as: UTF8.self)
        // Remove existing lines with these keys, to avoid duplicates.
        let lines = text.split(separator: "\n").filter { line in
          ![
            "_name_or_path", "_diffusers_version", "transformers_version", "torch_dtype", "skip_prk",
            "clip_sample\"",
          ]
          .contains { line.contains($0) }
        }
        let rest = lines.joined(separator: "\n")
        $0 = Array((rest.prefix(1) == old ? new + rest.dropFirst() : "").utf8)
      }
    }
    #expect(try fingerprint(folder.url) == fingerprint(tiny))
  }

  @Test(
    "changed weights change the fingerprint",
    arguments: [
      "unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors",
      "text_encoder/model.safetensors",
    ])
  func weights(path: String) throws {
    let folder = try copy(of: tiny)
    try change(folder(path)) { $0[$0.count - 1] ^= 1 }
    #expect(try fingerprint(folder.url) != fingerprint(tiny))
  }

  @Test("a changed configuration changes the fingerprint")
  func configuration() throws {
    let original = try fingerprint(tiny)
    for (path, old, new) in [
      ("unet/config.json", "\"in_channels\": 4", "\"in_channels\": 5"),
      ("scheduler/scheduler_config.json", "0.012", "0.013"),
    ] {
      let folder = try copy(of: tiny)
      try change(folder(path)) {
        let text = String(decoding: $0, as: UTF8.self)
        #expect(text.contains(old))
        $0 = Array(text.replacing(old, with: new).utf8)
      }
      #expect(try fingerprint(folder.url) != original)
    }
  }

  @Test("shards have the same fingerprint as a single file")
  func shards() throws {
    let sharded = Fixtures.url("models/sharded")
    let folder = try copy(of: sharded)
    let index = folder("unet/diffusion_pytorch_model.safetensors.index.json")
    struct Index: Decodable { let weight_map: [String: String] }
    let map = try JSONDecoder().decode(Index.self, from: Data(contentsOf: index)).weight_map
    var writer = SafetensorsWriter()
    for (name, shard) in map {
      writer.add(name, try SafetensorsFile(contentsOf: folder("unet/\(shard)")).tensor(named: name))
    }
    for name in Set(map.values) { try FileManager.default.removeItem(at: folder("unet/\(name)")) }
    try FileManager.default.removeItem(at: index)
    try writer.write(to: folder("unet/diffusion_pytorch_model.safetensors"))
    #expect(try fingerprint(folder.url) == fingerprint(sharded))
  }
}

@Suite("Fingerprints of earlier versions") struct EarlierFingerprintTests {
  @Test(
    "folders are still identified by the fingerprints of earlier versions",
    arguments: [
      ("four-levels", "3848ab7d75005ab6"), ("linear-v", "e3ee10049417e17a"),
      ("plain-first", "dbfaf6a1562b081a"), ("sharded", "4415ded35b083094"),
    ])
  func folders(name: String, fingerprint: String) throws {
    let identity = try ModelIdentity(of: Checkpoint(Fixtures.url("models/\(name)")))
    #expect(identity.isIdentified(by: fingerprint) && identity.isIdentified(by: identity.fingerprint))
    #expect(!identity.isIdentified(by: "0123456789abcdef"))
  }

  @Test("a model with another autoencoder or skipped layers is not identified by earlier fingerprints")
  func changed() throws {
    for change in [
      { (options: inout ModelOptions) in options.clipSkip = 1 },
      { $0.autoencoder = Fixtures.url("models/four-levels") },
    ] {
      var options = ModelOptions()
      change(&options)
      let identity = try ModelIdentity(
        of: Checkpoint(Fixtures.url("models/four-levels"), options: options))
      #expect(!identity.isIdentified(by: "3848ab7d75005ab6"))
    }
  }
}

@Suite("Model source") struct CheckpointSourceTests {
  @Test("a directory keeps its path, and a custom source is called")
  func directory() throws {
    let url = URL(filePath: "/some/where")
    #expect(
      try ModelSource.directory(url).url() == url && ModelSource.directory(url).name == "/some/where")
    #expect(try ModelSource(name: "own") { url }.url() == url)
  }

  @Test("the cache is located as by Hugging Face's tools")
  func cacheFolder() {
    func root(_ environment: [String: String]) -> String {
      HuggingFaceCache.standard(environment: environment).root.path
    }
    #expect(root(["HOME": "/h"]) == "/h/.cache/huggingface/hub")
    #expect(root(["HOME": "/h", "XDG_CACHE_HOME": "/x"]) == "/x/huggingface/hub")
    #expect(root(["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "/f"]) == "/f/hub")
    #expect(root(["HF_HOME": "/f", "HUGGINGFACE_HUB_CACHE": "/g"]) == "/g")
    #expect(root(["HF_HOME": "/f", "HUGGINGFACE_HUB_CACHE": "/g", "HF_HUB_CACHE": "/c"]) == "/c")
    #expect(root(["HOME": "/h", "HF_HUB_CACHE": ""]) == "/h/.cache/huggingface/hub")
  }

  @Test(
    "a downloaded repository is found by branch and commit; for others the error gives the download command")
  func repositories() throws {
    let folder = try ScratchFolder()
    let cache = HuggingFaceCache(root: folder.url)
    let repository = "models--CompVis--stable-diffusion-v1-4"
    for path in ["refs", "snapshots/abc123"] {
      try FileManager.default.createDirectory(
        at: folder("\(repository)/\(path)"), withIntermediateDirectories: true)
    }
    _ = try folder.file("\(repository)/refs/main", "abc123\n".utf8)
    let expected = folder("\(repository)/snapshots/abc123").path
    #expect(try cache.snapshot(of: "CompVis/stable-diffusion-v1-4", revision: "main").path == expected)
    #expect(try cache.snapshot(of: "CompVis/stable-diffusion-v1-4", revision: "abc123").path == expected)
    for (name, revision, kind, word) in [
      ("CompVis/stable-diffusion-v1-4", "fp16", .missing, "--revision fp16"),
      ("CompVis/none", "main", .missing, "hf download CompVis/none"),
      ("a/b/c", "main", .malformed, "a/b/c"), ("../x", "main", .malformed, "../x"),
      ("", "main", .malformed, "name"),
      ("a/", "main", .malformed, "a/"), ("a b", "main", .malformed, "a b"),
      ("a/b", "../../c", .malformed, "a/b"),
      ("ä/b", "main", .malformed, "ä/b"), ("a/b", "", .malformed, "a/b"),
    ] as [(String, String, InputError.Kind, String)] {
      #expect("\(name) \(revision)") { try cache.snapshot(of: name, revision: revision) } throws: {
        ($0 as? InputError)?.kind == kind && "\($0)".contains(word)
      }
    }
  }
}
