public import Foundation

/// The source of a model's checkpoint.
///
/// ```swift
/// let editor = try await ImageEditor(model: .huggingFace("CompVis/stable-diffusion-v1-4"))
/// ```
///
/// Other modules add sources as static members, as `EmojiScenes` does.
public struct ModelSource: Sendable {
  /// The name of the source in messages.
  public let name: String

  private let locate: @Sendable () throws -> URL

  /// Creates a custom source.
  ///
  /// - Parameters:
  ///   - name: The name of the source in messages.
  ///   - locate: Finds the folder or file of the checkpoint, or throws an `InputError` that says what to do.
  public init(name: String, locate: @escaping @Sendable () throws -> URL) {
    self.name = name
    self.locate = locate
  }

  /// Returns the folder or file of the checkpoint.
  ///
  /// - Throws: `InputError` if there is none.
  public func url() throws -> URL { try locate() }

  /// Returns the folder or file of the checkpoint; renamed to `url()`.
  @available(*, deprecated, renamed: "url()")
  public func folder() throws -> URL { try locate() }

  /// Returns a source for a folder in the diffusers layout.
  public static func directory(_ url: URL) -> ModelSource { ModelSource(name: url.path) { url } }

  /// Returns a source for a single safetensors file with the tensor names of CompVis and Stability AI, or of
  /// diffusers.
  ///
  /// Use `ModelOptions` to set networks that it lacks or a prediction type that it does not state.
  public static func file(_ url: URL) -> ModelSource { ModelSource(name: url.path) { url } }

  /// Returns a source for a checkpoint in this machine's Hugging Face cache.
  ///
  /// The cache is found as Hugging Face's tools find it: `HF_HUB_CACHE`, `HF_HOME/hub`, or
  /// `~/.cache/huggingface/hub`. Nothing is downloaded.
  ///
  /// - Parameters:
  ///   - repository: A repository name, such as `CompVis/stable-diffusion-v1-4`.
  ///   - revision: A branch, a tag, or a commit.
  public static func huggingFace(_ repository: String, revision: String = "main") -> ModelSource {
    ModelSource(name: repository) {
      try HuggingFaceCache.standard().snapshot(of: repository, revision: revision)
    }
  }
}
