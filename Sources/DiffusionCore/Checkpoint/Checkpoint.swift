public import Foundation

/// A Stable Diffusion checkpoint: a folder in the layout of the diffusers library, or a single safetensors file.
///
/// Whatever its layout, tensors have the names and shapes of diffusers.
///
///     let checkpoint = try Checkpoint(URL(filePath: "stable-diffusion-v1-4"))
///     let configuration = try checkpoint.configuration(of: .unet, as: UNetConfiguration.self)
///     let weights = try checkpoint.weights(of: .unet)
public struct Checkpoint: Sendable {
  /// A part of a checkpoint; the raw value is the name of its folder in the layout of diffusers.
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

    /// The parts that have weights.
    static let networks: [Part] = [.unet, .vae, .textEncoder]
  }

  /// Where the checkpoint is.
  public let url: URL

  /// What replaces or changes its parts.
  public let options: ModelOptions

  private let layout: any CheckpointLayout
  private let replacements: [Part: any CheckpointLayout]
  /// The LoRAs that change something.
  let loras: [LoRAFile]
  /// What they add to weights, by network and name.
  private let updates: [Part: [String: [LowRankUpdate]]]

  /// A checkpoint at a place of the file system.
  ///
  /// Only headers and small files are read.
  ///
  /// - Throws: `InputError` unless there is a checkpoint in one of the two layouts, and what the options name is there.
  public init(_ url: URL, options: ModelOptions = ModelOptions()) throws {
    self.url = url
    self.options = options
    let layout = try Self.layout(at: url, prediction: options.prediction)
    self.layout = layout
    var replacements: [Part: any CheckpointLayout] = [:]
    for (part, url) in [(Part.vae, options.autoencoder), (.textEncoder, options.textEncoder)] {
      replacements[part] = try url.map { try ReplacementNetwork.layout(of: part, at: $0) }
    }
    if let textEncoder = replacements[.textEncoder], textEncoder.contains(.tokenizer) {
      replacements[.tokenizer] = textEncoder
    }
    self.replacements = replacements
    // In one order, so that sums do not depend on the one in which they were named.
    loras = try options.loras.filter { $0.weight != 0 }.map(LoRAFile.init)
      .sorted { ($0.fingerprint, $0.lora.weight) < ($1.fingerprint, $1.lora.weight) }
    updates = try LowRankUpdate.all(loras) { [replacements] in
      try (replacements[$0] ?? layout).store(of: $0)
    }
  }

  /// The checkpoint of a source.
  ///
  /// - Throws: as `init(_:options:)`, and what finding it throws.
  public init(_ source: ModelSource, options: ModelOptions = ModelOptions()) throws {
    try self.init(source.url(), options: options)
  }

  private static func layout(
    at url: URL, prediction: NoiseSchedule.Prediction?
  ) throws -> any CheckpointLayout {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw InputError(
        .missing, WebAddress.sentence(in: url.path) ?? "There is no checkpoint at \(url.path).")
    }
    guard !isFolder.boolValue else {
      return try DiffusersFolder(checkpoint: url, prediction: prediction)
    }
    let file = try SingleFile(FileKind.networks(of: url), prediction: prediction)
    let folder = url.deletingLastPathComponent().deletingLastPathComponent()
    if file.isOneNetworkOfDiffusers, (try? DiffusersFolder(checkpoint: folder, prediction: nil)) != nil {
      throw InputError.unsupported(
        url, "one network of a checkpoint; name the whole folder, \(folder.path).")
    }
    return file
  }

  private func layout(of part: Part) -> any CheckpointLayout { replacements[part] ?? layout }

  /// Whether the checkpoint, or what replaces a part of it, has this part.
  public func contains(_ part: Part) -> Bool { layout(of: part).contains(part) }

  /// What a part is read from: a folder or a file.
  func path(of part: Part) -> String { layout(of: part).path(of: part) }

  /// The configuration of a part: what a folder states, or what follows from the tensors of a single file.
  ///
  /// - Throws: `InputError` if it is missing, is not JSON, or asks for what this library does not do.
  public func configuration<T: Decodable>(of part: Part, as type: T.Type = T.self) throws -> T {
    let (json, path) = try layout(of: part).configuration(of: part)
    do {
      let configuration = try JSONFile.decode(type, from: json, path: path)
      try (configuration as? any CheckpointConfiguration)?.validate()
      return configuration
    } catch let error as InputError where !error.message.contains(path) {
      throw InputError(error.kind, "\(path): \(error.message)")
    }
  }

  /// The configuration of a part as JSON, in the form of diffusers.
  func configurationJSON(of part: Part) throws -> Data { try layout(of: part).configuration(of: part).json }

  /// The weights of a part, with the LoRAs of the options merged into them.
  ///
  /// - Throws: `InputError` if there are none, only ones that must be converted first, or damaged ones.
  public func weights(of part: Part) throws -> WeightScope { WeightScope(try store(of: part)) }

  func store(of part: Part) throws -> WeightStore {
    let store = try storedWeights(of: part)
    return updates[part].map(store.updated) ?? store
  }

  /// The weights of a part as they are stored.
  func storedWeights(of part: Part) throws -> WeightStore { try layout(of: part).store(of: part) }

  /// - Throws: `InputError` if a file of it is missing or damaged, or the checkpoint has none and CLIP's own does not fit.
  func tokenizer() throws -> CLIPTokenizer { try layout(of: .tokenizer).tokenizer() }

  /// The files of the tokenizer, by their names in the layout of diffusers.
  func tokenizerFiles() throws -> [String: Data] { try layout(of: .tokenizer).tokenizerFiles() }

  /// The checkpoint as a folder in the layout of diffusers, without replacements; nil if it is none.
  var diffusersFolder: DiffusersFolder? { layout as? DiffusersFolder }

  /// The file beside the parts with this name; nil if there is none.
  package func file(named name: String) -> URL? {
    guard diffusersFolder != nil else { return nil }
    let file = url.appendingPathComponent(name)
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
  }
}
