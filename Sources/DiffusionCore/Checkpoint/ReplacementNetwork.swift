internal import Foundation

/// A network from another source that replaces a checkpoint's network.
enum ReplacementNetwork {
  /// Opens the checkpoint, network folder or file that holds the replacement network.
  ///
  /// - Throws: `InputError` if `url` holds no such network.
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
        "\(url.path) has no \(part.words): it contains neither a folder \(part.rawValue) nor a config.json."
      )
    }
    return DiffusersFolder(url, network: part)
  }

  private static func layout(of part: Checkpoint.Part, inFile url: URL) throws -> any CheckpointLayout {
    let file = try SingleFile(FileKind.networks(of: url), prediction: nil)
    guard file.contains(part) else {
      throw InputError(.mismatch, "\(url.path) contains no \(part.words). It contains \(file.contents).")
    }
    // The folder's config.json says more about the network than its tensors do.
    let folder = url.deletingLastPathComponent()
    return file.isOneNetworkOfDiffusers && hasConfiguration(folder)
      ? DiffusersFolder(folder, network: part) : file
  }

  private static func hasConfiguration(_ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent("config.json").path)
  }
}

extension Checkpoint.Part {
  /// The name of the part in messages.
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
