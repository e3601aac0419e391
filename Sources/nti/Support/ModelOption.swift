internal import ArgumentParser
internal import DiffusionCore
internal import EmojiScenes
internal import Foundation
internal import InputOutput
internal import NullTextInversion

/// Which model to work with.
struct ModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "A folder in the diffusers layout, a .safetensors file, the name of a model in the local Hugging Face cache (org/name), or emoji-scenes.",
      valueName: "folder|file|name"))
  var name = "emoji-scenes"

  /// What replaces or changes parts of the model.
  struct Changes: ParsableArguments {
    @Option(
      name: .customLong("lora"),
      help: ArgumentHelp(
        "A LoRA to merge into the model, times a weight (default: 1); may be repeated.",
        valueName: "file[=weight]"),
      transform: { try Changes.lora($0) })
    var loras: [LoRA] = []

    @Option(help: ArgumentHelp("Another autoencoder.", valueName: "folder|file"))
    var vae: String?

    @Option(help: ArgumentHelp("Another text encoder.", valueName: "folder|file"))
    var textEncoder: String?

    @Option(
      help: ArgumentHelp(
        "What the model predicts, where its file does not say: epsilon or v.", valueName: "type"))
    var prediction: Prediction?

    @Option(
      help: ArgumentHelp("The number of last layers of the text encoder to leave out.", valueName: "number"))
    var clipSkip = 0

    func validate() throws {
      guard (0...64).contains(clipSkip) else {
        throw ValidationError("--clip-skip \(clipSkip): ask for 0 or more.")
      }
    }
  }

  @OptionGroup(title: "Changes to the model") var changes: Changes

  func validate() throws {
    if name.isEmpty { throw ValidationError("--model names no model.") }
  }

  /// The checkpoint, of which only headers and small files have been read.
  ///
  /// - Throws: `InputError`.
  func checkpoint() throws -> Checkpoint {
    try Checkpoint(ModelOption.url(named: name), options: changes.options)
  }

  /// The checkpoint with its tokenizer.
  ///
  /// - Throws: `InputError`.
  func open() throws -> ChosenModel { try ChosenModel(checkpoint()) }

  /// The folder or the file that a name or a path means.
  ///
  /// - Throws: `InputError(.missing)`.
  static func url(named name: String) throws -> URL {
    if name == "emoji-scenes" { return try ModelSource.emojiScenes.url() }
    if WebAddress.sentence(in: name) != nil {
      throw InputError(
        .missing,
        "\(name) is an address, and models are not downloaded. Fetch it first, as with `hf download org/name`, and name "
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

/// What a UNet predicts, as users name it.
enum Prediction: String, ExpressibleByArgument, CaseIterable {
  case epsilon
  case v

  var value: NoiseSchedule.Prediction { self == .v ? .velocity : .epsilon }
}

extension ModelOption.Changes {
  /// The model as it is to be read.
  var options: ModelOptions {
    var options = ModelOptions()
    options.loras = loras
    options.autoencoder = vae.map { URL(fileURLWithPath: $0) }
    options.textEncoder = textEncoder.map { URL(fileURLWithPath: $0) }
    options.prediction = prediction?.value
    options.clipSkip = clipSkip
    return options
  }

  /// A LoRA as in `file.safetensors=0.8`.
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
