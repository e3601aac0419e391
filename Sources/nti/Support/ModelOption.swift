internal import ArgumentParser
internal import DiffusionCore
internal import EmojiScenes
internal import Foundation
internal import InputOutput
internal import NullTextInversion

/// The options of the model.
struct ModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "The model: a folder in the diffusers layout, a .safetensors file, a name in the local Hugging Face cache "
        + "(org/name), or emoji-scenes.",
      valueName: "folder|file|name"))
  var name = "emoji-scenes"

  /// The options that replace or change parts of the model.
  struct Changes: ParsableArguments {
    @Option(
      name: .customLong("lora"),
      help: ArgumentHelp(
        "A LoRA to merge into the model, multiplied by a weight (default: 1). Repeatable.",
        valueName: "file[=weight]"),
      transform: { try Changes.lora($0) })
    var loras: [LoRA] = []

    @Option(help: ArgumentHelp("Use another autoencoder.", valueName: "folder|file"))
    var vae: String?

    @Option(help: ArgumentHelp("Use another text encoder.", valueName: "folder|file"))
    var textEncoder: String?

    @Option(
      help: ArgumentHelp(
        "The prediction type, if the model's files do not state it: epsilon or v.", valueName: "type"))
    var prediction: Prediction?

    @Option(
      help: ArgumentHelp("The number of last layers of the text encoder to skip.", valueName: "n"))
    var clipSkip = 0

    func validate() throws {
      guard (0...64).contains(clipSkip) else {
        throw ValidationError("--clip-skip \(clipSkip): must be between 0 and 64.")
      }
    }
  }

  @OptionGroup(title: "Changes to the model") var changes: Changes

  func validate() throws {
    if name.isEmpty { throw ValidationError("--model is empty. Name a model.") }
  }

  /// Opens the checkpoint; reads only headers and small files.
  ///
  /// - Throws: `InputError` if there is no such model or it cannot be used.
  func checkpoint() throws -> Checkpoint {
    try Checkpoint(ModelOption.url(named: name), options: changes.options)
  }

  /// Opens the checkpoint, and reads its tokenizer and recommendation.
  ///
  /// - Throws: `InputError` if there is no such model or it cannot be used.
  func open() throws -> ChosenModel { try ChosenModel(checkpoint()) }

  /// Returns the folder or the file of a name or a path.
  ///
  /// - Throws: `InputError(.missing)` if there is none.
  static func url(named name: String) throws -> URL {
    if name == "emoji-scenes" { return try ModelSource.emojiScenes.url() }
    if WebAddress.sentence(in: name) != nil {
      throw InputError(
        .missing,
        "\(name) is an address, and nti does not download models. Download it, as with `hf download org/name`, and name "
          + "the folder or org/name.")
    }
    let url = URL(fileURLWithPath: name)
    if FileManager.default.fileExists(atPath: url.path) { return url }
    guard name.split(separator: "/", omittingEmptySubsequences: false).count == 2,
      let first = name.first, !"./~".contains(first)
    else { throw InputError(.missing, "There is no model at \(name).") }
    do {
      return try ModelSource.huggingFace(name).url()
    } catch let error as InputError {
      throw InputError(.missing, "There is no folder \(name). \(error.message)")
    }
  }
}

/// The values of `--prediction`: what the UNet predicts.
enum Prediction: String, ExpressibleByArgument, CaseIterable {
  case epsilon
  case v

  var value: NoiseSchedule.Prediction { self == .v ? .velocity : .epsilon }
}

extension ModelOption.Changes {
  /// The options for reading the model.
  var options: ModelOptions {
    var options = ModelOptions()
    options.loras = loras
    options.autoencoder = vae.map { URL(fileURLWithPath: $0) }
    options.textEncoder = textEncoder.map { URL(fileURLWithPath: $0) }
    options.prediction = prediction?.value
    options.clipSkip = clipSkip
    return options
  }

  /// Parses a LoRA, as in `file.safetensors=0.8`.
  static func lora(_ text: String) throws -> LoRA {
    guard let separator = text.lastIndex(of: "="), let weight = Double(text[text.index(after: separator)...])
    else { return LoRA(URL(fileURLWithPath: text)) }
    let path = String(text[..<separator])
    guard !path.isEmpty, weight.isFinite else {
      throw ValidationError("write a LoRA like file.safetensors or file.safetensors=0.8.")
    }
    return LoRA(URL(fileURLWithPath: path), weight: weight)
  }
}
