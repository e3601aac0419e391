public import DiffusionCore
public import Foundation
internal import InputOutput

/// The small demo model, its sample pictures and a benchmark with known right answers.
///
/// A latent diffusion model of Stable Diffusion's own architecture, trained from nothing on drawn scenes of emoji.
/// `Resources/README.md` says what it knows.
public enum EmojiScenes {
  /// The folder of the model, in the layout of diffusers.
  ///
  /// Looked for beside the running program, where the package manager puts it, then where this package was built.
  ///
  /// - Throws: `InputError(.missing)` with the places looked at.
  public static func folder() throws -> URL {
    try PackageResources(of: "EmojiScenes", besideSource: #filePath).folder(with: "model_index.json")
  }

  /// The benchmark: sixty edits in PIE-Bench's form, their right answers beside them.
  ///
  /// - Throws: `InputError(.missing)` if the model's folder is not there.
  public static func benchmark() throws -> URL {
    try folder().appendingPathComponent("bench", isDirectory: true)
  }

  /// A picture of the benchmark by its number.
  ///
  /// - Throws: `InputError(.missing)` if the model's folder is not there.
  public static func picture(_ number: String) throws -> URL {
    try benchmark().appendingPathComponent("annotation_images/\(number).png")
  }
}

extension ModelSource {
  /// The demo model that comes with this package.
  public static var emojiScenes: ModelSource {
    ModelSource(name: "emoji-scenes") { try EmojiScenes.folder() }
  }
}
