public import Foundation

/// An error about external input or output: a file, a picture, a prompt or an option.
///
/// Programming errors trap instead. The description states what is wrong, where, and what to do.
public struct InputError: Error, Sendable, Equatable {
  /// The category of an error.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// A file, a folder or a required value does not exist, or a file may not be read.
    case missing
    /// The data are invalid: truncated, damaged, or in another format.
    case malformed
    /// The data are valid, but require a feature that this library does not have.
    case unsupported
    /// Two inputs do not match: an inversion and a model, a word and a prompt.
    case mismatch
    /// A value is out of range.
    case outOfRange
    /// The result cannot be written to its destination.
    case unwritable
  }

  /// The category of the error.
  public let kind: Kind

  /// One or more sentences: what is wrong, where, and what to do.
  public let message: String

  /// Creates an error with a message.
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
