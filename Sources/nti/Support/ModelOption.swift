internal import ArgumentParser
internal import EmojiScenes
internal import Foundation
internal import InputOutput
internal import NullTextInversion

/// Which model to work with.
struct ModelOption: ParsableArguments {
  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "A folder in the diffusers layout, the name of a model in the local Hugging Face cache (org/name), or emoji-scenes.",
      valueName: "folder|name"))
  var name = "emoji-scenes"

  func validate() throws {
    if name.isEmpty { throw ValidationError("--model names no model.") }
  }

  /// The folder of the model's checkpoint.
  ///
  /// - Throws: `InputError(.missing)`.
  func folder() throws -> URL { try ModelOption.folder(named: name) }

  /// The folder that a name or a path means.
  static func folder(named name: String) throws -> URL {
    if name == "emoji-scenes" { return try ModelSource.emojiScenes.folder() }
    if WebAddress.sentence(in: name) != nil {
      throw InputError(
        .missing,
        "\(name) is an address, and models are not downloaded. Fetch it first, as with `hf download org/name`, and name "
          + "the folder or org/name.")
    }
    let url = URL(fileURLWithPath: name, isDirectory: true)
    if FileManager.default.fileExists(atPath: url.path) { return url }
    guard name.split(separator: "/", omittingEmptySubsequences: false).count == 2,
      let first = name.first, !"./~".contains(first)
    else { throw InputError(.missing, "There is no model at \(name).") }
    do {
      return try ModelSource.huggingFace(name).folder()
    } catch let error as InputError {
      throw InputError(.missing, "There is no folder \(name). \(error.message)")
    }
  }
}
