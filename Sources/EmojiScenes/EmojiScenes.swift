public import DiffusionCore
public import Foundation
internal import InputOutput

/// A small demo model, its sample pictures and a benchmark with known results.
///
/// The model is a latent diffusion model with Stable Diffusion's architecture, trained from scratch on drawn scenes
/// of emoji. `Resources/README.md` describes what it can draw.
public enum EmojiScenes {
  /// Returns the folder of the model, in the diffusers layout.
  ///
  /// It is searched for next to the running program, where the package manager puts it, and then where this package
  /// was built.
  ///
  /// - Throws: `InputError(.missing)` that lists the searched folders.
  public static func folder() throws -> URL {
    try PackageResources(of: "EmojiScenes", besideSource: #filePath).folder(with: "model_index.json")
  }

  /// Returns the folder of the benchmark: sixty edits in PIE-Bench's format, with their ground truth.
  ///
  /// - Throws: `InputError(.missing)` if the model's folder is missing.
  public static func benchmark() throws -> URL {
    try folder().appendingPathComponent("bench", isDirectory: true)
  }

  /// Returns the file of a benchmark picture.
  ///
  /// - Parameter number: The number of the picture, such as `100000000000`.
  /// - Throws: `InputError(.missing)` if the model's folder is missing.
  public static func picture(_ number: String) throws -> URL {
    try benchmark().appendingPathComponent("annotation_images/\(number).png")
  }
}

extension ModelSource {
  /// The demo model of this package.
  public static var emojiScenes: ModelSource {
    ModelSource(name: "emoji-scenes") { try EmojiScenes.folder() }
  }
}
