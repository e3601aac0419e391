package import Foundation
package import InputOutput

/// Says what a model that is not in the diffusers layout is, and what to do with it.
package enum ForeignModel {
  /// The error for a file where a checkpoint's folder is wanted.
  package static func error(forFile url: URL) throws -> InputError {
    let file = try InputFile(url)
    let start = try file.prefix(PictureFormat.magicLength)
    let name = url.path
    func unsupported(_ sentence: String) -> InputError { InputError(.unsupported, "\(name) is \(sentence)") }
    if PictureFormat(of: [UInt8](start)) != nil { return unsupported("a picture; a model is a folder.") }
    if start.starts(with: "GGUF".utf8) {
      return unsupported("a GGUF file, which is not read. \(convert(url))")
    }
    // A zip file, as PyTorch writes, or a bare pickle.
    if start.starts(with: "PK\u{3}\u{4}".utf8) || start.first == 0x80
      || ["ckpt", "pt", "pth", "bin"].contains(url.pathExtension.lowercased())
    {
      return unsupported("a pickled checkpoint, a format that can run code when it is read. \(convert(url))")
    }
    guard let header = try? SafetensorsHeader(of: file) else {
      return unsupported("neither a picture, an inversion nor a model that could be read.")
    }
    if header.metadata["format"] == "null-text-inversion" {
      return unsupported("an inversion, not a model; the model is the folder that it was made with.")
    }
    let keys = header.entries.keys
    func has(_ parts: String...) -> Bool { keys.contains { key in parts.contains { key.contains($0) } } }
    if has("lora_", ".lora.", "_lora.") {
      return unsupported("a LoRA, which changes a model but is none. LoRAs are not supported yet.")
    }
    if has("conditioner.embedders.1") {
      return unsupported(
        "an SDXL checkpoint. Only models of the kinds of Stable Diffusion 1 and 2 are supported.")
    }
    if has("model.diffusion_model.") {
      return unsupported("a checkpoint in a single file, which is not read yet. \(convert(url))")
    }
    let folder = url.deletingLastPathComponent().deletingLastPathComponent()
    if (try? CheckpointFolder(folder)) != nil {
      return unsupported("one network of a checkpoint; name the whole folder, \(folder.path).")
    }
    return unsupported("a safetensors file without a Stable Diffusion checkpoint in it.")
  }

  /// The error for a folder of another kind of model; nil if it may be of this kind.
  static func error(forFolder url: URL) -> InputError? {
    let index = try? JSONFile.decode(PipelineIndex.self, from: url.appendingPathComponent("model_index.json"))
    let isXL = FileManager.default.fileExists(atPath: url.appendingPathComponent("text_encoder_2").path)
    let kind: String? =
      switch index?.pipeline {
      case let name? where name.contains("StableDiffusionXL"): "an SDXL model"
      case let name? where name.contains("StableDiffusion3"): "a Stable Diffusion 3 model"
      case let name? where !name.contains("StableDiffusion") && !name.contains("LatentConsistency"):
        "a model for \(name)"
      default: isXL ? "an SDXL model" : nil
      }
    return kind.map {
      InputError(
        .unsupported,
        "\(url.path) is \($0). Only models of the kinds of Stable Diffusion 1 and 2 are supported.")
    }
  }

  /// What to say of a folder that has no parts of a checkpoint.
  static func error(forFolderWithoutParts url: URL) -> InputError {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    let single = names.first { $0.hasSuffix(".safetensors") || $0.hasSuffix(".ckpt") }
    let hint = single.map { " It has \($0), a single file. \(convert(url.appendingPathComponent($0)))" } ?? ""
    return InputError(
      .missing,
      "\(url.path) is not a checkpoint in the diffusers layout: it has neither model_index.json nor a unet folder.\(hint)"
    )
  }

  private static func convert(_ url: URL) -> String {
    "Make a folder of it with diffusers: `StableDiffusionPipeline.from_single_file(\"\(url.lastPathComponent)\")"
      + ".save_pretrained(\"\(url.deletingPathExtension().lastPathComponent)\")`."
  }

  private struct PipelineIndex: Decodable {
    let pipeline: String?
    private enum CodingKeys: String, CodingKey { case pipeline = "_class_name" }
  }
}
