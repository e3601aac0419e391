public import Foundation

/// A Stable Diffusion checkpoint in the layout of the diffusers library: one folder per network, each with its
/// `config.json` and its weights as safetensors.
///
///     let folder = try CheckpointFolder(URL(filePath: "stable-diffusion-v1-4"))
///     let configuration = try folder.configuration(of: .unet, as: UNetConfiguration.self)
///     let weights = try folder.weights(of: .unet)
public struct CheckpointFolder: Sendable {
  /// A part of a checkpoint; the raw value is the name of its folder.
  public enum Part: String, Sendable, CaseIterable {
    /// The network that predicts noise.
    case unet
    /// The network that turns pictures into latents and back.
    case vae
    /// The network that turns tokens into embeddings.
    case textEncoder = "text_encoder"
    /// The vocabulary and the merges.
    case tokenizer
    /// The noise schedule.
    case scheduler
  }

  /// Where the checkpoint is.
  public let url: URL

  /// A checkpoint at a place of the file system.
  ///
  /// - Throws: `InputError` unless there is a folder that looks like a checkpoint of the diffusers layout.
  public init(_ url: URL) throws {
    self.url = url
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw InputError(
        .missing, WebAddress.sentence(in: url.path) ?? "There is no checkpoint at \(url.path).")
    }
    guard isFolder.boolValue else { throw try ForeignModel.error(forFile: url) }
    if let error = ForeignModel.error(forFolder: url) { throw error }
    guard exists("model_index.json") || exists(Part.unet.rawValue) else {
      throw ForeignModel.error(forFolderWithoutParts: url)
    }
  }

  /// The folder of a part.
  ///
  /// - Throws: `InputError(.missing)` if there is none.
  public func folder(of part: Part) throws -> URL {
    guard exists(part.rawValue) else {
      throw InputError(
        .missing,
        "The checkpoint at \(url.path) has no folder \(part.rawValue). It is incomplete, or not of the "
          + "Stable Diffusion kind.")
    }
    return url.appendingPathComponent(part.rawValue)
  }

  /// What a part's `config.json` (`scheduler_config.json` for the schedule) says.
  ///
  /// - Throws: `InputError` if the file is missing, is not JSON, or asks for what this library does not do.
  public func configuration<T: Decodable>(of part: Part, as type: T.Type = T.self) throws -> T {
    let name = part == .scheduler ? "scheduler_config.json" : "config.json"
    let file = try folder(of: part).appendingPathComponent(name)
    let configuration = try JSONFile.decode(type, from: file)
    do {
      try (configuration as? any CheckpointConfiguration)?.validate()
    } catch let error as InputError {
      throw InputError(error.kind, "\(file.path): \(error.message)")
    }
    return configuration
  }

  /// The weights of a part, whole or in shards; in full precision if the folder has both full and half.
  ///
  /// - Throws: `InputError` if there are none, only ones that must be converted first, or damaged ones.
  public func weights(of part: Part) throws -> WeightScope { WeightScope(try store(of: part)) }

  func store(of part: Part) throws -> WeightStore {
    let folder = try folder(of: part)
    let stems = ["diffusion_pytorch_model", "model"]
    let forms: [(suffix: String, isIndex: Bool)] = [
      (".safetensors", false), (".safetensors.index.json", true),
      (".fp16.safetensors", false), (".fp16.safetensors.index.json", true),
      (".safetensors.fp16.index.json", true), (".safetensors.index.fp16.json", true),
    ]
    for form in forms {
      for stem in stems where exists("\(part.rawValue)/\(stem)\(form.suffix)") {
        let file = folder.appendingPathComponent(stem + form.suffix)
        return form.isIndex
          ? try WeightStore(index: file) : WeightStore(try SafetensorsFile(contentsOf: file))
      }
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    if let pickled = names.sorted().first(where: { $0.hasSuffix(".bin") || $0.hasSuffix(".bin.index.json") })
    {
      throw InputError(
        .unsupported,
        "\(folder.path) has its weights only as \(pickled), a format that can run code when it is "
          + "read. Convert the checkpoint with diffusers: "
          + "`StableDiffusionPipeline.from_pretrained(…).save_pretrained(…, safe_serialization=True)`.")
    }
    throw InputError(
      .missing,
      "There are no weights in \(folder.path): expected diffusion_pytorch_model.safetensors or "
        + "model.safetensors.")
  }

  private func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: url.appendingPathComponent(name).path)
  }
}
