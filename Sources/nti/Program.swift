internal import ArgumentParser
internal import Foundation
internal import Tensor

/// The entry point: parses the arguments, runs the command, and exits with its status.
@main
enum Program {
  /// Runs the command in a task, and waits for signals on the main thread.
  ///
  /// It is not asynchronous, because an asynchronous `main` would release the thread that waits for signals.
  static func main() {
    let interruption = Interruption()
    SystemMemory.onRefusal { sentence in
      Terminal.printError("\(sentence) See --memory.")
      _exit(ExitStatus.internalError.rawValue)
    }
    let work = Task.detached {
      do {
        var command = try NTI.parseAsRoot()
        if var command = command as? any AsyncParsableCommand {
          try await command.run()
        } else {
          try command.run()
        }
        exit(ExitStatus.done.rawValue)
      } catch {
        exit(report(error, interruption).rawValue)
      }
    }
    interruption.wait { work.cancel() }
  }

  /// Prints an error on one line of standard error, or requested help on standard output, and returns the exit status.
  private static func report(_ error: any Error, _ interruption: Interruption) -> ExitStatus {
    if let signal = interruption.signal, error is CancellationError || error is Interrupted {
      let rest = (error as? Interrupted).map { "; \($0.message)" } ?? ""
      Terminal.printError("interrupted\(rest)")
      return ExitStatus(interruptedBy: signal)
    }
    if let failure = Failure(error) {
      Terminal.printError(failure.message)
      return failure.status
    }
    guard NTI.exitCode(for: error) != .success else {
      print(NTI.fullMessage(for: error))
      return .done
    }
    let complaint = UnknownNames(arguments: Array(CommandLine.arguments.dropFirst())).complaint
    Terminal.printError("\(complaint ?? NTI.message(for: error).asSentence) See '\(helpCommand)'.")
    return .usage
  }

  private static var helpCommand: String {
    let verb = CommandLine.arguments.dropFirst().first.flatMap { name in
      NTI.configuration.subcommands.first { $0._commandName == name }
    }
    return ["nti", verb?._commandName, "--help"].compactMap(\.self).joined(separator: " ")
  }
}

extension String {
  /// The text on one line, with a period at the end.
  fileprivate var asSentence: String {
    let line = split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.joined(
      separator: " ")
    return line.last.map { ".?!".contains($0) } == true ? line : line + "."
  }
}
