public import Foundation

extension Checkpoint {
  /// Writes the checkpoint to a folder in the diffusers layout, with the replacements and changes of `options`
  /// applied.
  ///
  /// Tensors keep their types and, where no LoRA changes them, their bytes. Only a small part of a tensor is in
  /// memory at a time. The folder gets its final name when it is complete.
  ///
  /// - Parameters:
  ///   - folder: A folder that does not exist or is empty.
  ///   - progress: Called with the number of networks written so far.
  /// - Throws: `InputError` if a part is missing, damaged or not supported, or if the folder cannot be written;
  ///   `CancellationError` if the task is cancelled.
  public func write(to folder: URL, progress: (_ networksWritten: Int) -> Void = { _ in }) throws {
    let files = FileManager.default
    let found = try? files.contentsOfDirectory(atPath: folder.path)
    guard found?.isEmpty ?? !files.fileExists(atPath: folder.path) else {
      throw InputError(.unwritable, "\(folder.path) already exists. Name a new folder.")
    }
    guard options.clipSkip == 0 else {
      throw InputError(
        .unsupported,
        "A checkpoint cannot store a clip skip. Leave it out here, and set it when you use the model.")
    }
    _ = try ModelConfiguration(self)
    _ = try configuration(of: .scheduler, as: SchedulerConfiguration.self)
    _ = try tokenizer()

    let partial = folder.deletingLastPathComponent()
      .appendingPathComponent(
        ".\(folder.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier).partial")
    do {
      try? files.removeItem(at: partial)
      try write(into: partial, progress)
      if found != nil { try files.removeItem(at: folder) }
      try files.moveItem(at: partial, to: folder)
    } catch {
      try? files.removeItem(at: partial)
      guard error is InputError || error is CancellationError else {
        throw InputError(.unwritable, "\(folder.path) cannot be written: \(error.localizedDescription)")
      }
      throw error
    }
  }

  private func write(into folder: URL, _ progress: (Int) -> Void) throws {
    func place(_ part: Part, _ name: String) throws -> URL {
      let folder = folder.appendingPathComponent(part.rawValue)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      return folder.appendingPathComponent(name)
    }
    for (index, part) in Part.networks.enumerated() {
      try AtomicFile.write(configurationJSON(of: part), to: place(part, "config.json"))
      let stem = part == .textEncoder ? "model" : "diffusion_pytorch_model"
      try store(of: part).write(to: place(part, "\(stem).safetensors"))
      progress(index + 1)
    }
    try AtomicFile.write(
      configurationJSON(of: .scheduler), to: place(.scheduler, "scheduler_config.json"))
    for (name, data) in try tokenizerFiles() { try AtomicFile.write(data, to: place(.tokenizer, name)) }
    if let recommendation = file(named: "editing.json") {
      try AtomicFile.write(
        InputFile(recommendation).contents(), to: folder.appendingPathComponent("editing.json"))
    }
    try AtomicFile.write(index.json, to: folder.appendingPathComponent("model_index.json"))
  }

  /// The contents of a `model_index.json`.
  private var index: JSONValue {
    get throws {
      struct Class: Decodable { let _class_name: String? }
      func name(_ part: Part, _ usual: String) throws -> JSONValue {
        .string(try configuration(of: part, as: Class.self)._class_name ?? usual)
      }
      return [
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", try name(.unet, "UNet2DConditionModel")],
        "vae": ["diffusers", try name(.vae, "AutoencoderKL")],
        "scheduler": ["diffusers", try name(.scheduler, "DDIMScheduler")],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "safety_checker": [nil, nil], "feature_extractor": [nil, nil], "requires_safety_checker": false,
      ]
    }
  }
}
