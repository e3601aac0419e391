internal import Foundation

/// The diffusers layout: one folder per part, with a `config.json` and safetensors weights.
struct DiffusersFolder: CheckpointLayout {
  private let url: URL
  private let prediction: NoiseSchedule.Prediction?
  /// The only network of the folder; nil if the folder has subfolders for parts.
  private let network: Checkpoint.Part?

  /// Opens the folder of a whole checkpoint.
  ///
  /// - Parameters:
  ///   - url: The folder.
  ///   - prediction: The prediction type of the UNet, which overrides the scheduler's file; nil to use the file's.
  /// - Throws: `InputError` if the folder does not look like a checkpoint.
  init(checkpoint url: URL, prediction: NoiseSchedule.Prediction?) throws {
    self.init(url, prediction: prediction)
    if let model = ForeignModel(folder: url) { throw model.error }
    guard exists("model_index.json") || contains(.unet) else { throw withoutParts }
  }

  /// Opens a folder with some parts of a checkpoint, or with one network.
  init(_ url: URL, network: Checkpoint.Part? = nil, prediction: NoiseSchedule.Prediction? = nil) {
    self.url = url
    self.network = network
    self.prediction = prediction
  }

  func contains(_ part: Checkpoint.Part) -> Bool { network.map { $0 == part } ?? exists(part.rawValue) }

  func path(of part: Checkpoint.Part) -> String { place(of: part).path }

  func configuration(of part: Checkpoint.Part) throws -> (json: Data, path: String) {
    let name = part == .scheduler ? "scheduler_config.json" : "config.json"
    let file = try folder(of: part).appendingPathComponent(name)
    let json = try InputFile(file).contents()
    guard part == .scheduler, let prediction else { return (json, file.path) }
    let value = try JSONFile.decode(JSONValue.self, from: json, path: file.path)
    return (try value.predicting(prediction).json, file.path)
  }

  func store(of part: Checkpoint.Part) throws -> WeightStore {
    try WeightStore(folder: folder(of: part), naming: DiffusersNaming(part))
  }

  /// Returns the tensors of a network as stored.
  func storedTensors(of part: Checkpoint.Part) throws -> [WeightStore.Place] {
    try WeightStore.tensors(in: folder(of: part)).tensors
  }

  func tokenizer() throws -> CLIPTokenizer { try CLIPTokenizer(folder: folder(of: .tokenizer)) }

  func tokenizerFiles() throws -> [String: Data] {
    let folder = try folder(of: .tokenizer)
    return try TokenizerFiles.names.reduce(into: [:]) { files, name in
      let file = folder.appendingPathComponent(name)
      guard FileManager.default.fileExists(atPath: file.path) else { return }
      files[name] = try InputFile(file).contents()
    }
  }

  private func folder(of part: Checkpoint.Part) throws -> URL {
    guard contains(part) else {
      throw InputError(
        .missing,
        "The checkpoint at \(url.path) has no folder \(part.rawValue). It is incomplete or not a "
          + "Stable Diffusion checkpoint.")
    }
    return place(of: part)
  }

  /// The error for a folder without any part of a checkpoint.
  private var withoutParts: InputError {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    let single = names.first { $0.hasSuffix(".safetensors") } ?? names.first { $0.hasSuffix(".ckpt") }
    let hint =
      single.map { name in
        let file = url.appendingPathComponent(name)
        return " It has \(name), a single file"
          + (name.hasSuffix(".ckpt")
            ? ". \(FileKind.conversion(of: file))" : ". Name the file: \(file.path).")
      } ?? ""
    return InputError(
      .missing,
      "\(url.path) is not a checkpoint in the diffusers layout: it has neither model_index.json nor a unet folder.\(hint)"
    )
  }

  private func place(of part: Checkpoint.Part) -> URL {
    network == nil ? url.appendingPathComponent(part.rawValue) : url
  }

  private func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: url.appendingPathComponent(name).path)
  }
}

extension JSONValue {
  /// Returns the scheduler's settings with another prediction type.
  fileprivate func predicting(_ prediction: NoiseSchedule.Prediction) -> JSONValue {
    guard case .object(var members) = self else { return self }
    members["prediction_type"] = .string(prediction.rawValue)
    if case .array(let defaulted) = members["_use_default_values"] {
      members["_use_default_values"] = .array(defaulted.filter { $0 != "prediction_type" })
    }
    return .object(members)
  }
}
