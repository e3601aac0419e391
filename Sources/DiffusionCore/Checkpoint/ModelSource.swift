public import Foundation

/// Where the checkpoint of a model comes from.
///
///     ImageEditor(model: .huggingFace("CompVis/stable-diffusion-v1-4"))
///
/// Other modules add sources of their own as static members, as `EmojiScenes` does.
public struct ModelSource: Sendable {
  /// What to call the source in messages.
  public let name: String

  private let locate: @Sendable () throws -> URL

  /// A source of one's own.
  ///
  /// - Parameter locate: finds the folder or the file of the checkpoint, or throws an `InputError` that says what to do.
  public init(name: String, locate: @escaping @Sendable () throws -> URL) {
    self.name = name
    self.locate = locate
  }

  /// The folder or the file of the checkpoint.
  ///
  /// - Throws: `InputError` if there is none.
  public func url() throws -> URL { try locate() }

  /// The same under its earlier name.
  @available(*, deprecated, renamed: "url()")
  public func folder() throws -> URL { try locate() }

  /// A folder in the layout of diffusers.
  public static func directory(_ url: URL) -> ModelSource { ModelSource(name: url.path) { url } }

  /// A single safetensors file in the names of CompVis and Stability AI.
  ///
  /// What it lacks, and what it does not state, `ModelOptions` can name.
  public static func file(_ url: URL) -> ModelSource { ModelSource(name: url.path) { url } }

  /// A checkpoint that was downloaded into the Hugging Face cache of this machine before.
  ///
  /// The cache is looked for where Hugging Face's own tools keep it: `HF_HUB_CACHE`, `HF_HOME/hub`, or
  /// `~/.cache/huggingface/hub`. Nothing is downloaded.
  ///
  /// - Parameters:
  ///   - repository: such as `CompVis/stable-diffusion-v1-4`.
  ///   - revision: a branch, a tag, or a commit.
  public static func huggingFace(_ repository: String, revision: String = "main") -> ModelSource {
    ModelSource(name: repository) {
      try HuggingFaceCache.standard().snapshot(of: repository, revision: revision)
    }
  }
}
