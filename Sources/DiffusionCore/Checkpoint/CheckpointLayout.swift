internal import Foundation

/// The source of a checkpoint's parts: a folder or a file, with its own tensor names.
protocol CheckpointLayout: Sendable {
  /// Returns whether this part is present.
  func contains(_ part: Checkpoint.Part) -> Bool

  /// Returns the path that messages name for a part.
  func path(of part: Checkpoint.Part) -> String

  /// Returns the configuration of a part in the diffusers format, and the path that messages name for it.
  ///
  /// - Throws: `InputError` if it is missing.
  func configuration(of part: Checkpoint.Part) throws -> (json: Data, path: String)

  /// Returns the tensors of a network under their diffusers names.
  ///
  /// - Throws: `InputError` if they are missing or damaged.
  func store(of part: Checkpoint.Part) throws -> WeightStore

  /// Returns the tokenizer.
  ///
  /// - Throws: `InputError` if it is missing or damaged.
  func tokenizer() throws -> CLIPTokenizer

  /// Returns the tokenizer files, by their names in the diffusers layout.
  ///
  /// - Throws: The errors of `tokenizer()`.
  func tokenizerFiles() throws -> [String: Data]
}
