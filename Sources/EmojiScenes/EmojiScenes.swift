public import DiffusionCore
public import Foundation

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
    let places = candidates()
    guard let folder = places.first(where: isModel) else {
      throw InputError(
        .missing,
        "The EmojiScenes model is not there. Put its folder beside the program as \"EmojiScenes\", or name a model "
          + "folder. Looked in: \(places.map(\.path).joined(separator: ", ")).")
    }
    return folder
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

  private static func isModel(_ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent("model_index.json").path)
  }

  /// `Bundle.module` is not asked, because it traps when the resources are not there.
  private static func candidates() -> [URL] {
    var places: [URL] = []
    if let program = Bundle.main.executableURL?.resolvingSymlinksInPath() {
      let folder = program.deletingLastPathComponent()
      for bundle in ["null-text-inversion_EmojiScenes.resources", "null-text-inversion_EmojiScenes.bundle"] {
        places.append(folder.appendingPathComponent("\(bundle)/Resources", isDirectory: true))
      }
      places.append(folder.appendingPathComponent("EmojiScenes", isDirectory: true))
      places.append(folder.appendingPathComponent("../share/nti/EmojiScenes", isDirectory: true).standardized)
    }
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    places.append(source.appendingPathComponent("Resources", isDirectory: true))
    return places
  }
}

extension ModelSource {
  /// The demo model that comes with this package.
  public static var emojiScenes: ModelSource {
    ModelSource(name: "emoji-scenes") { try EmojiScenes.folder() }
  }
}
