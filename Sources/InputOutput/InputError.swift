public import Foundation

/// Something that came from outside cannot be used: a file, a picture, a prompt, an option.
///
/// Programming errors trap instead. The description is a sentence that says what is wrong, where, and what to do.
public struct InputError: Error, Sendable, Equatable {
  /// What sort of thing went wrong, for programs that treat the sorts differently.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// A file or folder is not there.
    case missing
    /// The bytes are not what they should be: truncated, damaged, or of another format.
    case malformed
    /// The bytes are sound, but ask for something that this library does not do.
    case unsupported
    /// Two things do not belong together: an inversion and a model, a word and a prompt.
    case mismatch
    /// A value is outside the range that makes sense.
    case outOfRange
    /// The result cannot be written where it should go.
    case unwritable
  }

  /// What sort of thing went wrong.
  public let kind: Kind

  /// One or more sentences: what is wrong, where, and what to do.
  public let message: String

  /// An error with its sentence.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }
}

extension InputError {
  /// Throws an error of kind `outOfRange` unless a condition holds.
  package static func require(_ holds: Bool, _ sentence: @autoclosure () -> String) throws(InputError) {
    if !holds { throw InputError(.outOfRange, sentence()) }
  }
}

extension InputError: CustomStringConvertible {
  /// The message.
  public var description: String { message }
}

extension InputError: LocalizedError {
  /// The message.
  public var errorDescription: String? { message }
}
