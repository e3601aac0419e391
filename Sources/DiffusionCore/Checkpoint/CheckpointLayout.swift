internal import Foundation

/// Where the parts of a checkpoint are, and what they are called there.
protocol CheckpointLayout: Sendable {
  /// Whether this part is there.
  func contains(_ part: Checkpoint.Part) -> Bool

  /// What messages name as the place of a part.
  func path(of part: Checkpoint.Part) -> String

  /// The configuration of a part in the form of diffusers, and what messages name as its place.
  ///
  /// - Throws: `InputError` if it is missing.
  func configuration(of part: Checkpoint.Part) throws -> (json: Data, path: String)

  /// The tensors of a network under the names of diffusers.
  ///
  /// - Throws: `InputError` if they are missing or damaged.
  func store(of part: Checkpoint.Part) throws -> WeightStore

  /// The tokenizer.
  ///
  /// - Throws: `InputError` if it is missing or damaged.
  func tokenizer() throws -> CLIPTokenizer

  /// The files of the tokenizer, by their names in the layout of diffusers.
  ///
  /// - Throws: as `tokenizer()`.
  func tokenizerFiles() throws -> [String: Data]
}
