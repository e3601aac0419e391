internal import Foundation

/// A network from elsewhere that takes the place of a checkpoint's own.
enum ReplacementNetwork {
  /// What holds the network: a checkpoint, the folder of the network, or a file.
  ///
  /// - Throws: `InputError` if nothing of the kind is there.
  static func layout(of part: Checkpoint.Part, at url: URL) throws -> any CheckpointLayout {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw InputError(
        .missing, WebAddress.sentence(in: url.path) ?? "There is no \(part.words) at \(url.path).")
    }
    guard isFolder.boolValue else { return try layout(of: part, inFile: url) }
    let checkpoint = DiffusersFolder(url)
    if checkpoint.contains(part) { return checkpoint }
    guard hasConfiguration(url) else {
      throw InputError(
        .missing,
        "\(url.path) has no \(part.words): neither a folder \(part.rawValue) nor a config.json beside weights."
      )
    }
    return DiffusersFolder(url, network: part)
  }

  private static func layout(of part: Checkpoint.Part, inFile url: URL) throws -> any CheckpointLayout {
    let file = try SingleFile(FileKind.networks(of: url), prediction: nil)
    guard file.contains(part) else {
      throw InputError(.mismatch, "\(url.path) has no \(part.words) in it; it has \(file.contents).")
    }
    // The file of a folder that says more of the network than its tensors do.
    let folder = url.deletingLastPathComponent()
    return file.isOneNetworkOfDiffusers && hasConfiguration(folder)
      ? DiffusersFolder(folder, network: part) : file
  }

  private static func hasConfiguration(_ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent("config.json").path)
  }
}

extension Checkpoint.Part {
  /// What the part is, for messages.
  var words: String {
    switch self {
    case .unet: "UNet"
    case .vae: "autoencoder"
    case .textEncoder: "text encoder"
    case .tokenizer: "tokenizer"
    case .scheduler: "noise schedule"
    }
  }
}
