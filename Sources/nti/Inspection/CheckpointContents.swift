internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// The description of a checkpoint; a part that cannot be used is described by its problem.
struct CheckpointContents: Contents {
  /// One network or table of the checkpoint.
  struct Part: Encodable {
    /// The architecture in words.
    var description: String?
    var weights: WeightSummary?
    /// The reason why the part cannot be used.
    var problem: String?
  }

  let kind = "checkpoint"
  let path: String
  private(set) var fingerprint: String?
  private(set) var pictureSize: [Int]?
  private(set) var latentShape: [Int]?
  private(set) var parts: [String: Part] = [:]
  /// The estimated memory and time; nil if a part cannot be used.
  private(set) var cost: ModelCost?
  private(set) var loras: [MergedLoRA] = []
  private(set) var firstProblem: InputError?

  private enum CodingKeys: String, CodingKey {
    case kind, path, fingerprint, pictureSize, latentShape, parts, cost, loras
  }

  /// A LoRA that is merged into the weights.
  struct MergedLoRA: Encodable {
    let path: String
    let weight: Double
    let layers: String
  }

  init(_ url: URL, _ options: ModelOptions) throws {
    path = url.path
    let checkpoint = try Checkpoint(url, options: options)
    loras = checkpoint.loraSummaries.map {
      MergedLoRA(path: $0.summary.path, weight: $0.weight, layers: $0.summary.layerText)
    }
    var (latent, factor): ([Int]?, Int?) = (nil, nil)
    add(.unet) {
      let configuration: UNetConfiguration = try checkpoint.configuration(of: .unet)
      latent = [configuration.outChannels, configuration.sampleSize.height, configuration.sampleSize.width]
      return (configuration.summary, try checkpoint.weightSummary(of: .unet))
    }
    add(.textEncoder) {
      let configuration: TextEncoderConfiguration = try checkpoint.configuration(of: .textEncoder)
      return (configuration.summary, try checkpoint.weightSummary(of: .textEncoder))
    }
    add(.vae) {
      let configuration: AutoencoderConfiguration = try checkpoint.configuration(of: .vae)
      factor = configuration.downsamplingFactor
      return (configuration.summary, try checkpoint.weightSummary(of: .vae))
    }
    add(.tokenizer) {
      let tokenizer = try CLIPTokenizer(checkpoint)
      return ("CLIP byte-pair encoding, prompts of up to \(tokenizer.maximumLength) tokens", nil)
    }
    add(.scheduler) {
      let configuration: SchedulerConfiguration = try checkpoint.configuration(of: .scheduler)
      return (configuration.summary, nil)
    }
    latentShape = latent
    if let latent, let factor { pictureSize = [latent[2] * factor, latent[1] * factor] }
    guard firstProblem == nil else { return }
    fingerprint = try checkpoint.modelFingerprint()
    cost = try ModelCost(of: checkpoint)
  }

  private mutating func add(
    _ part: Checkpoint.Part, _ read: () throws -> (description: String, weights: WeightSummary?)
  ) {
    do {
      let (description, weights) = try read()
      parts[part.rawValue] = Part(description: description, weights: weights)
    } catch let error as InputError {
      parts[part.rawValue] = Part(problem: error.message)
      firstProblem = firstProblem ?? error
    } catch {
      parts[part.rawValue] = Part(problem: "\(error)")
      firstProblem = firstProblem ?? InputError(.malformed, "\(error)")
    }
  }

  var text: String {
    var table = FactTable()
    table.add("fingerprint", fingerprint)
    if let pictureSize, let latentShape {
      table.add(
        "pictures",
        "\(pictureSize[0]) x \(pictureSize[1]) pixels, latents of "
          + latentShape.map(String.init).joined(separator: " x "))
    }
    for name in Checkpoint.Part.allCases.map(\.rawValue) {
      guard let part = parts[name] else { continue }
      table.add(name.replacing("_", with: " "), part.problem ?? part.description)
      if let weights = part.weights, part.problem == nil { table.add("", weights.text) }
    }
    table.add("memory", cost?.memoryText)
    table.add("time", cost?.timeText)
    for lora in loras {
      table.add("lora", "\(lora.path), weight \(lora.weight), \(lora.layers)")
    }
    return "\(path): a checkpoint\n\(table.text)"
  }
}

extension WeightSummary {
  var text: String {
    "\(Format.count(parameterCount)) parameters in \(tensorCount) tensors, \(types.joined(separator: " and ")), "
      + "\(Format.bytes(byteCount)), \(files.count == 1 ? files[0] : "\(files.count) files")"
  }
}

extension UNetConfiguration {
  fileprivate var summary: String {
    let levels = blockOutChannels.indices.map { level in
      let hasAttention =
        downBlockHasAttention(level) || upBlockHasAttention(blockOutChannels.count - 1 - level)
      return "\(blockOutChannels[level])" + (hasAttention ? " (\(heads(at: level)) heads)" : "")
    }
    return
      "UNet, channels \(levels.joined(separator: ", ")), text embeddings of \(crossAttentionChannels(at: 0)) channels"
  }
}

extension TextEncoderConfiguration {
  fileprivate var summary: String {
    "CLIP, \(layerCount) layers of \(hiddenSize) channels, \(headCount) heads, \(vocabularySize) tokens, \(activation)"
  }
}

extension AutoencoderConfiguration {
  fileprivate var summary: String {
    switch self {
    case .kl(let configuration): configuration.summary
    case .tiny(let configuration):
      "tiny autoencoder, downsampling factor \(downsamplingFactor), \(configuration.encoderWidths[0]) channels"
    }
  }
}

extension AutoencoderKLConfiguration {
  fileprivate var summary: String {
    "autoencoder, downsampling factor \(downsamplingFactor), channels "
      + "\(blockOutChannels.map(String.init).joined(separator: ", ")), scaling factor \(scalingFactor)"
  }
}

extension SchedulerConfiguration {
  fileprivate var summary: String {
    let betas = trainedBetas == nil ? "\(betaSchedule) from \(betaStart) to \(betaEnd)" : "trained betas"
    return
      "\(trainingSteps) timesteps, \(betas), \(predictionType), steps offset \(stepsOffset), final alpha "
      + (setsAlphaToOne ? "one" : "first")
  }
}
