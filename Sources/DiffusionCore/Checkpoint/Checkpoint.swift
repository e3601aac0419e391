public import Foundation

/// A Stable Diffusion checkpoint: a folder in the diffusers layout, or a single safetensors file.
///
/// In both layouts, tensors have the names and shapes of diffusers.
///
/// ```swift
/// let checkpoint = try Checkpoint(URL(filePath: "stable-diffusion-v1-4"))
/// let configuration = try checkpoint.configuration(of: .unet, as: UNetConfiguration.self)
/// let weights = try checkpoint.weights(of: .unet)
/// ```
public struct Checkpoint: Sendable {
  /// A part of a checkpoint; the raw value is its folder's name in the diffusers layout.
  public enum Part: String, Sendable, CaseIterable {
    /// The network that predicts noise.
    case unet
    /// The network that encodes pictures as latents and decodes them.
    case vae
    /// The network that computes embeddings from tokens.
    case textEncoder = "text_encoder"
    /// The vocabulary and the merges.
    case tokenizer
    /// The noise schedule.
    case scheduler

    /// The parts that have weights.
    static let networks: [Part] = [.unet, .vae, .textEncoder]
  }

  /// The folder or file of the checkpoint.
  public let url: URL

  /// The replacements and changes of the checkpoint's parts.
  public let options: ModelOptions

  private let layout: any CheckpointLayout
  private let replacements: [Part: any CheckpointLayout]
  /// The LoRAs with a nonzero weight.
  let loras: [LoRAFile]
  /// The weight updates of the LoRAs, by network and tensor name.
  private let updates: [Part: [String: [LowRankUpdate]]]

  /// Opens the checkpoint at a file URL.
  ///
  /// Reads only headers and small files.
  ///
  /// - Throws: `InputError` if `url` has no checkpoint in either layout, or if a file that the options name is
  ///   missing.
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
    // A fixed order makes the sums independent of the order of the options.
    loras = try options.loras.filter { $0.weight != 0 }.map(LoRAFile.init)
      .sorted { ($0.fingerprint, $0.lora.weight) < ($1.fingerprint, $1.lora.weight) }
    updates = try LowRankUpdate.all(loras) { [replacements] in
      try (replacements[$0] ?? layout).store(of: $0)
    }
  }

  /// Opens the checkpoint of a source.
  ///
  /// - Throws: The errors of `init(_:options:)` and of the source's `url()`.
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
        url, "one network of a checkpoint. Name the whole folder: \(folder.path).")
    }
    return file
  }

  private func layout(of part: Part) -> any CheckpointLayout { replacements[part] ?? layout }

  /// Returns whether the checkpoint has this part, or a replacement for it.
  public func contains(_ part: Part) -> Bool { layout(of: part).contains(part) }

  /// Returns the folder or file that holds a part.
  func path(of part: Part) -> String { layout(of: part).path(of: part) }

  /// Returns the configuration of a part, read from a folder or inferred from the tensors of a single file.
  ///
  /// - Throws: `InputError` if it is missing, is not JSON, or has values that are not supported.
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

  /// Returns the configuration of a part as JSON in the diffusers format.
  func configurationJSON(of part: Part) throws -> Data { try layout(of: part).configuration(of: part).json }

  /// Returns the weights of a part with the LoRAs of `options` merged in.
  ///
  /// - Throws: `InputError` if the weights are missing, damaged, or in a format that must be converted first.
  public func weights(of part: Part) throws -> WeightScope { WeightScope(try store(of: part)) }

  func store(of part: Part) throws -> WeightStore {
    let store = try storedWeights(of: part)
    return updates[part].map(store.updated) ?? store
  }

  /// Returns the weights of a part as stored, without LoRAs.
  func storedWeights(of part: Part) throws -> WeightStore { try layout(of: part).store(of: part) }

  /// - Throws: `InputError` if a file of the tokenizer is missing or damaged, or if the checkpoint has no tokenizer
  ///   and CLIP's standard one does not fit.
  func tokenizer() throws -> CLIPTokenizer { try layout(of: .tokenizer).tokenizer() }

  /// Returns the tokenizer files, by their names in the diffusers layout.
  func tokenizerFiles() throws -> [String: Data] { try layout(of: .tokenizer).tokenizerFiles() }

  /// The checkpoint without replacements if it is a folder in the diffusers layout; otherwise nil.
  var diffusersFolder: DiffusersFolder? { layout as? DiffusersFolder }

  /// Returns the file with this name next to the folders of the parts, or nil if there is none.
  package func file(named name: String) -> URL? {
    guard diffusersFolder != nil else { return nil }
    let file = url.appendingPathComponent(name)
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
  }
}
