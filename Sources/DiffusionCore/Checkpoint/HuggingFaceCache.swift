internal import Foundation

/// The download folder of Hugging Face's tools.
struct HuggingFaceCache {
  let root: URL

  /// Returns the current user's cache, located with the environment variables of Hugging Face's tools.
  static func standard(environment: [String: String] = ProcessInfo.processInfo.environment)
    -> HuggingFaceCache
  {
    func folder(_ variable: String) -> URL? {
      guard let path = environment[variable], !path.isEmpty else { return nil }
      return URL(fileURLWithPath: (path as NSString).expandingTildeInPath, isDirectory: true)
    }
    let home = folder("HOME") ?? FileManager.default.homeDirectoryForCurrentUser
    let caches = folder("XDG_CACHE_HOME") ?? home.appendingPathComponent(".cache")
    let root =
      folder("HF_HUB_CACHE") ?? folder("HUGGINGFACE_HUB_CACHE")
      ?? (folder("HF_HOME") ?? caches.appendingPathComponent("huggingface")).appendingPathComponent("hub")
    return HuggingFaceCache(root: root)
  }

  /// Returns the folder with the files of a repository at a revision.
  ///
  /// - Throws: `InputError` with the download command if the folder does not exist.
  func snapshot(of repository: String, revision: String) throws -> URL {
    let components = repository.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = components.allSatisfy { part in
      !part.isEmpty && !part.hasPrefix(".")
        && part.unicodeScalars.allSatisfy {
          $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains($0))
        }
    }
    guard (1...2).contains(components.count), isPlain, !revision.isEmpty,
      !revision.split(separator: "/").contains("..")
    else {
      throw InputError(
        .malformed,
        "\"\(repository)\" at \"\(revision)\" is not the name of a Hugging Face repository, such as "
          + "CompVis/stable-diffusion-v1-4.")
    }
    let folder = root.appendingPathComponent("models--" + components.joined(separator: "--"))
    let reference = folder.appendingPathComponent("refs").appendingPathComponent(revision)
    let commit = (try? InputFile(reference).contents()).map { String(decoding: $0, as: UTF8.self) }?
      .trimmingCharacters(in: .whitespacesAndNewlines)
    let snapshot = folder.appendingPathComponent("snapshots").appendingPathComponent(commit ?? revision)
    guard FileManager.default.fileExists(atPath: snapshot.path) else {
      let option = revision == "main" ? "" : " --revision \(revision)"
      throw InputError(
        .missing,
        "\(repository) is not in the Hugging Face cache at \(root.path). Download it first: "
          + "`hf download \(repository)\(option)`.")
    }
    return snapshot
  }
}
