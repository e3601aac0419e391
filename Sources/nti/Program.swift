internal import ArgumentParser
internal import Foundation
internal import Tensor

/// The process: reads the arguments, runs the command, and ends with the status that says how it went.
@main
enum Program {
  /// Not asynchronous, because the thread that would then be given away is needed to wait for signals.
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

  /// Says what went wrong in one line on standard error; help and the like, asked for, go to standard output.
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
  /// The text in one line, with a full stop at its end.
  fileprivate var asSentence: String {
    let line = split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.joined(
      separator: " ")
    return line.last.map { ".?!".contains($0) } == true ? line : line + "."
  }
}
