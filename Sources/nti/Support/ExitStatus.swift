internal import ArgumentParser
internal import NullTextInversion

/// How the process ends, in the numbers of `sysexits.h` and of the shell.
struct ExitStatus: Equatable {
  let rawValue: Int32

  /// Everything was done.
  static let done = ExitStatus(rawValue: 0)
  /// The command line is wrong, or names an output that cannot be written.
  static let usage = ExitStatus(rawValue: 64)
  /// An input is damaged, not what it should be, or does not fit the others.
  static let badData = ExitStatus(rawValue: 65)
  /// An input is not there.
  static let missingInput = ExitStatus(rawValue: 66)
  /// Anything else, a disk that filled up meanwhile included.
  static let internalError = ExitStatus(rawValue: 70)

  private init(rawValue: Int32) { self.rawValue = rawValue }

  /// Ended by a signal: 130 after Ctrl-C.
  init(interruptedBy signal: Int32) { rawValue = 128 + signal }
}

/// Wrong usage that shows only after the command line has been parsed.
struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }

  /// Runs a check of what the command line says; what it throws is wrong usage.
  static func catching<Result>(_ check: () throws -> Result) throws -> Result {
    do { return try check() } catch let error as InputError { throw UsageError(error.message) }
  }
}

/// The work was interrupted, and some of it is kept.
struct Interrupted: Error {
  /// What is kept, and how to go on.
  let message: String

  /// Runs work whose interruption is to be told with a sentence.
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

/// An error of ours as the user meets it.
struct Failure {
  let message: String
  let status: ExitStatus

  /// Nil for what the argument parser throws: that is its own to word.
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
      // The parser's own errors are not public; all of them are wrong usage or a request for help.
      guard NTI.exitCode(for: error) == .failure else { return nil }
      message = "Internal error: \(error)"
      status = .internalError
    }
  }
}

extension ExitStatus {
  /// The status for a sort of input error.
  init(for kind: InputError.Kind) {
    self =
      switch kind {
      case .missing: .missingInput
      case .malformed, .unsupported, .mismatch, .outOfRange: .badData
      case .unwritable: .internalError
      }
  }
}
