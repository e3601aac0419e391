internal import Foundation

/// The layout of diffusers: a folder for each part, with its `config.json` and its weights as safetensors.
struct DiffusersFolder: CheckpointLayout {
  private let url: URL
  private let prediction: NoiseSchedule.Prediction?
  /// The network that the folder is of, if it is not that of a whole checkpoint.
  private let network: Checkpoint.Part?

  /// The folder of a whole checkpoint.
  ///
  /// - Parameter prediction: what the UNet predicts, whatever the scheduler's file says.
  /// - Throws: `InputError` unless it looks like one.
  init(checkpoint url: URL, prediction: NoiseSchedule.Prediction?) throws {
    self.init(url, prediction: prediction)
    if let model = ForeignModel(folder: url) { throw model.error }
    guard exists("model_index.json") || contains(.unet) else { throw withoutParts }
  }

  /// A folder that has some parts of a checkpoint, or of one network.
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

  /// The tensors of a network as they are stored.
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
        "The checkpoint at \(url.path) has no folder \(part.rawValue). It is incomplete, or not of the "
          + "Stable Diffusion kind.")
    }
    return place(of: part)
  }

  /// The error for a folder that has no parts of a checkpoint.
  private var withoutParts: InputError {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    let single = names.first { $0.hasSuffix(".safetensors") } ?? names.first { $0.hasSuffix(".ckpt") }
    let hint =
      single.map { name in
        let file = url.appendingPathComponent(name)
        return " It has \(name), a single file"
          + (name.hasSuffix(".ckpt")
            ? ". \(FileKind.conversion(of: file))" : ": name the file, \(file.path).")
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
  /// The settings of a scheduler with another prediction type.
  fileprivate func predicting(_ prediction: NoiseSchedule.Prediction) -> JSONValue {
    guard case .object(var members) = self else { return self }
    members["prediction_type"] = .string(prediction.rawValue)
    if case .array(let defaulted) = members["_use_default_values"] {
      members["_use_default_values"] = .array(defaulted.filter { $0 != "prediction_type" })
    }
    return .object(members)
  }
}
