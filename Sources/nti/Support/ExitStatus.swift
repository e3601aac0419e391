internal import ArgumentParser
internal import NullTextInversion

/// The exit status of the process, with the values of `sysexits.h` and of shells.
struct ExitStatus: Equatable {
  let rawValue: Int32

  /// Success.
  static let done = ExitStatus(rawValue: 0)
  /// The command line is wrong, or an output cannot be written.
  static let usage = ExitStatus(rawValue: 64)
  /// An input is damaged, of the wrong kind, or does not match the others.
  static let badData = ExitStatus(rawValue: 65)
  /// An input is missing.
  static let missingInput = ExitStatus(rawValue: 66)
  /// Any other error, such as a disk that became full.
  static let internalError = ExitStatus(rawValue: 70)

  private init(rawValue: Int32) { self.rawValue = rawValue }

  /// Creates the status after a signal, such as 130 for Ctrl-C.
  init(interruptedBy signal: Int32) { rawValue = 128 + signal }
}

/// Wrong usage that is found after the command line was parsed.
struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }

  /// Runs a check of the command line, and rethrows its `InputError` as a `UsageError`.
  static func catching<Result>(_ check: () throws -> Result) throws -> Result {
    do { return try check() } catch let error as InputError { throw UsageError(error.message) }
  }
}

/// The cancellation of work that is partly kept.
struct Interrupted: Error {
  /// A sentence about the kept work and how to resume it.
  let message: String

  /// Runs work, and throws `Interrupted` with a message if the work is cancelled and there is a message.
  static func saying<Result>(
    _ message: @autoclosure () -> String?, _ work: () async throws -> Result
  ) async throws -> Result {
    do {
      return try await work()
    } catch is CancellationError {
      guard let message = message() else { throw CancellationError() }
      throw Interrupted(message: message)
    }
  }
}

/// An error of this program with its message and exit status.
struct Failure {
  let message: String
  let status: ExitStatus

  /// Returns nil for errors of the argument parser, which has its own messages.
  init?(_ error: any Error) {
    switch error {
    case let error as InputError:
      message = error.message
      status = ExitStatus(for: error.kind)
    case let error as UsageError:
      message = error.message
      status = .usage
    case let error as Interrupted:
      message = error.message
      status = .internalError
    case is CancellationError:
      message = "The work was cancelled."
      status = .internalError
    case is ValidationError, is CleanExit, is ExitCode: return nil
    default:
      // The error types of the parser are not public. All of them are wrong usage or a request for help.
      guard NTI.exitCode(for: error) == .failure else { return nil }
      message = "Internal error: \(error)"
      status = .internalError
    }
  }
}

extension ExitStatus {
  /// Creates the status for a kind of input error.
  init(for kind: InputError.Kind) {
    self =
      switch kind {
      case .missing: .missingInput
      case .malformed, .unsupported, .mismatch, .outOfRange: .badData
      case .unwritable: .internalError
      }
  }
}
