internal import ArgumentParser

/// Finds misspelled names in a command line that cannot be parsed, because the parser reports missing arguments first.
struct UnknownNames {
  /// The arguments without the program's name.
  let arguments: [String]

  /// The message, as in "There is no option --captoin; did you mean --caption?"; nil if all names are known.
  var complaint: String? {
    guard let first = arguments.first, !first.hasPrefix("-") else { return nil }
    let commands = NTI.configuration.subcommands
    guard let command = commands.first(where: { $0._commandName == first }) else {
      let names = commands.map { $0._commandName } + ["help"]
      return names.contains(first)
        ? nil : "There is no command \(first)\(Self.suggestion(for: first, among: names))"
    }
    let known = Self.options(of: command)
    let options = arguments.prefix { $0 != "--" }.filter { $0.hasPrefix("--") && $0.count > 2 }
      .map { String($0.prefix { $0 != "=" }) }
    return options.first { !known.contains($0) }.map {
      "There is no option \($0)\(Self.suggestion(for: $0, among: known))"
    }
  }

  /// Returns the long names in the help of a command.
  private static func options(of command: any ParsableCommand.Type) -> [String] {
    let help = NTI.helpMessage(for: command, includeHidden: true, columns: 1000)
    return help.matches(of: #/--[a-z][a-z0-9-]*/#).map { String($0.output) } + ["--help", "--version"]
  }

  /// Returns "; did you mean --caption?", or a period if no name is similar.
  private static func suggestion(for name: String, among names: [String]) -> String {
    let nearest = names.map { ($0, name.editDistance(to: $0)) }.min { $0.1 < $1.1 }
    guard let (other, distance) = nearest, distance <= max(1, name.filter { $0 != "-" }.count / 3) else {
      return "."
    }
    return "; did you mean \(other)?"
  }
}

extension String {
  /// Returns the number of letters to insert, delete, replace, or swap with a neighbor (Damerau-Levenshtein distance).
  fileprivate func editDistance(to other: String) -> Int {
    let (a, b) = (Array(self), Array(other))
    var rows = [Array(0...b.count)]
    for i in 1..<a.count + 1 {
      var row = [i]
      for j in 1..<b.count + 1 {
        var best = Swift.min(
          rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
          best = Swift.min(best, rows[i - 2][j - 2] + 1)
        }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
