package import Foundation
package import InputOutput

/// Says what a model of another kind is, and what to do with it.
package enum ForeignModel {
  /// The error for a file that holds nothing of a checkpoint; nil if it may.
  package static func error(forFile url: URL) throws -> InputError? {
    let file = try InputFile(url)
    do {
      return error(forSafetensors: try SafetensorsHeader(of: file), url)
    } catch let error as InputError {
      return try self.error(forOther: file) ?? error
    }
  }

  private static func error(forSafetensors header: SafetensorsHeader, _ url: URL) -> InputError? {
    if header.metadata["format"] == "null-text-inversion" {
      return unsupported(url, "an inversion, not a model; the model is the one that it was made with.")
    }
    if LoRAFile.isLoRA(header.entries.keys) {
      return unsupported(
        url, "a LoRA, which changes a model but is none. Name it with --lora, beside a model.")
    }
    guard let kind = kinds.first(where: { kind in header.entries.keys.contains { $0.contains(kind.key) } })
    else { return nil }
    return unsupported(
      url, "\(kind.name). Only models of the kinds of Stable Diffusion 1 and 2 are supported.")
  }

  /// The error for a file that is not safetensors; nil if it was meant to be, by its name.
  private static func error(forOther file: InputFile) throws -> InputError? {
    let (url, start) = (file.url, try file.prefix(PictureFormat.magicLength))
    if PictureFormat(of: [UInt8](start)) != nil {
      return unsupported(url, "a picture; a model is a folder or a safetensors file.")
    }
    if start.starts(with: "GGUF".utf8) {
      return unsupported(url, "a GGUF file, which is not read. \(convert(url))")
    }
    let name = url.pathExtension.lowercased()
    // A zip file, as PyTorch writes, or a bare pickle.
    if start.starts(with: "PK\u{3}\u{4}".utf8) || ["ckpt", "pt", "pth", "bin"].contains(name)
      || start.first == 0x80 && name != "safetensors"
    {
      return unsupported(
        url, "a pickled checkpoint, a format that can run code when it is read. \(convert(url))")
    }
    return name == "safetensors"
      ? nil : unsupported(url, "neither a picture, an inversion nor a model that could be read.")
  }

  /// What only one kind of model has in the names of its tensors.
  private static let kinds: [(key: String, name: String)] = [
    ("conditioner.embedders.1.", "an SDXL checkpoint"), ("add_embedding.linear_1.", "an SDXL checkpoint"),
    ("joint_blocks.", "a Stable Diffusion 3 checkpoint"), ("double_blocks.", "a Flux checkpoint"),
    ("control_model.", "a ControlNet"), ("controlnet_cond_embedding.", "a ControlNet"),
    ("emb_params", "a textual inversion"),
  ]

  /// The error for a safetensors file that has no network of a checkpoint.
  static func error(forFileWithoutNetworks file: SafetensorsFile) -> InputError {
    unsupported(file.url, "a safetensors file without a Stable Diffusion checkpoint in it.")
  }

  /// The error for one network of a checkpoint in the layout of diffusers; nil if the folder around it is none.
  static func error(forNetwork url: URL) -> InputError? {
    let folder = url.deletingLastPathComponent().deletingLastPathComponent()
    guard (try? DiffusersFolder(checkpoint: folder, prediction: nil)) != nil else { return nil }
    return unsupported(url, "one network of a checkpoint; name the whole folder, \(folder.path).")
  }

  private static func unsupported(_ url: URL, _ sentence: String) -> InputError {
    InputError(.unsupported, "\(url.path) is \(sentence)")
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
    let single = names.first { $0.hasSuffix(".safetensors") } ?? names.first { $0.hasSuffix(".ckpt") }
    let hint =
      single.map { name in
        let file = url.appendingPathComponent(name)
        return " It has \(name), a single file"
          + (name.hasSuffix(".ckpt") ? ". \(convert(file))" : ": name the file, \(file.path).")
      } ?? ""
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
