internal import Foundation

/// A safetensors file with all or some networks of a checkpoint, with the tensor names of CompVis and Stability AI or
/// of diffusers.
struct SingleFile: CheckpointLayout {
  /// A network in the file.
  private struct Network {
    /// The common prefix of its tensor names.
    let prefix: String
    let naming: any TensorNaming
  }

  private let file: SafetensorsFile
  private let networks: [Checkpoint.Part: Network]
  private let prediction: NoiseSchedule.Prediction?

  /// - Parameters:
  ///   - file: The file.
  ///   - prediction: The prediction type of the UNet, which overrides the file's; nil to use the file's.
  /// - Throws: `InputError` if the file has no network of a checkpoint.
  init(_ file: SafetensorsFile, prediction: NoiseSchedule.Prediction?) throws {
    self.file = file
    self.prediction = prediction
    var networks: [Checkpoint.Part: Network] = [:]
    for part in Checkpoint.Part.networks { networks[part] = Self.network(part, in: file) }
    self.networks = networks
    guard !networks.isEmpty else {
      throw InputError.unsupported(
        file.url, "a safetensors file without networks of a Stable Diffusion checkpoint.")
    }
  }

  private static func network(_ part: Checkpoint.Part, in file: SafetensorsFile) -> Network? {
    for prefix in part.prefixes {
      let contains = { (name: String) in file.contains(prefix + name) }
      if part.diffusersMarkers.contains(where: contains) {
        return Network(prefix: prefix, naming: DiffusersNaming(part))
      }
      switch part {
      case .unet where contains(OriginalUNet.marker):
        return Network(prefix: prefix, naming: OriginalUNet.modules(contains))
      case .vae where contains(OriginalAutoencoder.marker):
        return Network(prefix: prefix, naming: OriginalAutoencoder(contains))
      case .textEncoder where contains(OpenCLIP.marker):
        return Network(prefix: prefix, naming: OpenCLIP(contains))
      default: continue
      }
    }
    return nil
  }

  /// The networks in the file, for messages.
  var contents: String {
    Checkpoint.Part.networks.filter { networks[$0] != nil }.map { "a \($0.words)" }.joined(separator: ", ")
      .replacing("a a", with: "an a")
  }

  /// Whether the file is one network as diffusers writes it, so that a `config.json` next to it may say more.
  var isOneNetworkOfDiffusers: Bool {
    networks.count == 1
      && networks.values.allSatisfy { $0.prefix.isEmpty && $0.naming is DiffusersNaming }
  }

  func contains(_ part: Checkpoint.Part) -> Bool {
    switch part {
    case .tokenizer: false
    case .scheduler: networks[.unet] != nil
    default: networks[part] != nil
    }
  }

  func path(of part: Checkpoint.Part) -> String { file.url.path }

  func store(of part: Checkpoint.Part) throws -> WeightStore {
    guard let network = networks[part] else { throw missing(part) }
    return try WeightStore(path: file.url.path, file.places, prefix: network.prefix, naming: network.naming)
  }

  func configuration(of part: Checkpoint.Part) throws -> (json: Data, path: String) {
    let value =
      switch part {
      case .unet: InferredConfiguration.unet(try store(of: .unet), sampleSize: sampleSize)
      case .vae: InferredConfiguration.autoencoder(try store(of: .vae))
      case .textEncoder:
        InferredConfiguration.textEncoder(
          try store(of: .textEncoder), isOpenCLIP: networks[.textEncoder]?.naming is OpenCLIP)
      case .scheduler: InferredConfiguration.scheduler(try knownPrediction)
      case .tokenizer: throw missing(.tokenizer)
      }
    return (try value.json, "\(file.url.path) (\(part.words))")
  }

  func tokenizer() throws -> CLIPTokenizer {
    try checkVocabulary()
    return try CLIPTokenizer(.standard(padding), path: file.url.path)
  }

  func tokenizerFiles() throws -> [String: Data] {
    try checkVocabulary()
    return try TokenizerFiles.standardFiles(padding)
  }

  /// Throws `InputError` if the text encoder has fewer tokens than CLIP's vocabulary: it needs its own tokenizer,
  /// which a single file does not contain.
  private func checkVocabulary() throws {
    guard contains(.textEncoder) else { return }
    let embedding = try store(of: .textEncoder).shape(of: "text_model.embeddings.token_embedding.weight")
    let count = embedding?.first ?? 0
    guard count >= TokenizerFiles.standardCount else {
      throw InputError(
        .missing,
        "The text encoder of \(file.url.path) has \(count) tokens, but CLIP's tokenizer has \(TokenizerFiles.standardCount). Name a "
          + "folder with its text encoder and tokenizer with --text-encoder, or set ModelOptions.textEncoder."
      )
    }
  }

  /// The padding of short prompts.
  private var padding: StandardPadding { isSecondGeneration ? .exclamationMark : .end }

  private func missing(_ part: Checkpoint.Part) -> InputError {
    let option =
      switch part {
      case .vae: " Name one with --vae, or set ModelOptions.autoencoder."
      case .textEncoder: " Name one with --text-encoder, or set ModelOptions.textEncoder."
      default: ""
      }
    return InputError(
      .missing, "\(file.url.path) contains no \(part.words). It contains \(contents).\(option)")
  }
}

extension SingleFile {
  /// Whether the networks are from Stable Diffusion 2.
  private var isSecondGeneration: Bool {
    if let text = networks[.textEncoder] { return text.naming is OpenCLIP }
    guard let unet = networks[.unet] else { return false }
    return file.names.contains {
      $0.hasPrefix(unet.prefix) && $0.hasSuffix(".proj_in.weight") && file.shape(of: $0)?.count == 2
    }
  }

  /// The prediction type of the UNet: from the caller, else from the file, else from the family.
  private var knownPrediction: NoiseSchedule.Prediction {
    get throws {
      if let prediction = prediction ?? statedPrediction { return prediction }
      guard isSecondGeneration else { return .epsilon }
      throw InputError(
        .missing,
        "\(file.url.path) is a Stable Diffusion 2 model that does not state what its UNet predicts. Use --prediction v "
          + "(models for 768 x 768 pixels) or --prediction epsilon (base models, for 512 x 512), or set "
          + "ModelOptions.prediction.")
    }
  }

  /// The prediction type stated by the metadata or by the marker tensor `v_pred`.
  private var statedPrediction: NoiseSchedule.Prediction? {
    switch file.metadata["modelspec.prediction_type"] {
    case "v", "v_prediction": .velocity
    case "epsilon": .epsilon
    default: file.contains("v_pred") ? .velocity : nil
    }
  }

  /// The side length of the latents: 96 for Stable Diffusion 2 models that predict v (768 pixels), otherwise 64.
  private var sampleSize: Int {
    let isLarge = isSecondGeneration && (prediction ?? statedPrediction) == .velocity
    return isLarge ? 96 : 64
  }
}

extension Checkpoint.Part {
  /// The possible prefixes of a network's tensor names in a single file.
  fileprivate var prefixes: [String] {
    switch self {
    case .unet: ["model.diffusion_model.", "unet.", ""]
    case .vae: ["first_stage_model.", "vae.", ""]
    case .textEncoder:
      ["cond_stage_model.transformer.", "cond_stage_model.model.", "cond_stage_model.", "text_encoder.", ""]
    default: []
    }
  }

  /// Tensor names of which every network with diffusers names has at least one.
  fileprivate var diffusersMarkers: [String] {
    switch self {
    case .unet: ["time_embedding.linear_1.weight"]
    case .vae: ["encoder.down_blocks.0.resnets.0.conv1.weight", "encoder.layers.0.weight"]
    default: ["text_model.embeddings.token_embedding.weight", "embeddings.token_embedding.weight"]
    }
  }
}
