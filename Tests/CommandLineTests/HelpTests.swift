import Foundation
import TestSupport
import Testing

@Suite("Help") struct HelpTests {
  @Test(
    "the help of each command has the content of its fixture, in any layout",
    arguments: [
      "nti", "invert", "edit", "reconstruct", "generate", "demo", "inspect", "maps", "tokens", "convert",
      "evaluate",
      "benchmark",
    ])
  func help(command: String) async throws {
    let run = try await Program.run(command == "nti" ? ["--help"] : [command, "--help"])
    #expect(run.status == 0)
    #expect(run.errors == "")
    // The fixtures are written by Tools/write_help.sh. Check the differences before you run it.
    let known = HelpContent(
      String(decoding: try Data(contentsOf: Fixtures.url("help/\(command).txt")), as: UTF8.self))
    let found = HelpContent(run.output)
    #expect(known.overview.contains(" ") && known.entries.count >= 4)
    #expect(found.overview == known.overview)
    #expect(found.sections == known.sections)
    #expect(Set(found.entries.keys) == Set(known.entries.keys))
    for (name, text) in known.entries { #expect(found.entries[name] == text, "\(name)") }
  }

  @Test(
    "the content of a help text does not depend on the width of the terminal",
    arguments: ["60", "100", "300"])
  func width(columns: String) async throws {
    for arguments in [["--help"], ["edit", "--help"], ["evaluate", "--help"]] {
      let usual = try await Program.run(arguments)
      let other = try await Program.run(arguments, environment: ["COLUMNS": columns])
      #expect(other.output != usual.output)
      #expect(HelpContent(other.output) == HelpContent(usual.output))
    }
  }

  @Test("a changed name, text, section or option changes the content")
  func changes() {
    let help = """
      OVERVIEW: Make a picture
      from words.

      USAGE: nti make --prompt <text> [--blend] [--no-blend]

      ARGUMENTS:
        <photo>                 A file.

      OPTIONS:
        -o, --output <a[,b]>    Where to
                                write (default: a).
        --blend/--no-blend      Blend.
        --long-name <number=number>
                                A number.

        See 'nti help' for more.
      """
    let content = HelpContent(help)
    #expect(content.overview == "Make a picture from words.")
    #expect(content.sections == ["ARGUMENTS", "OPTIONS"])
    #expect(
      content.entries == [
        "<photo>": "A file.", "-o, --output <a[,b]>": "Where to write (default: a).",
        "--blend/--no-blend": "Blend.", "--long-name <number=number>": "A number.",
      ])
    for (old, new) in [
      ("from words", "of words"), ("OPTIONS", "FLAGS"), ("write (default: a)", "write (default: b)"),
      ("-o, --output", "--output"), ("<a[,b]>", "<a>"), ("--blend/--no-blend  ", "--mix/--no-mix      "),
      ("  --long-name <number=number>\n", ""), ("A number.", ""),
      ("<photo>", "[<photo>]"),
    ] {
      #expect(help.contains(old))
      #expect(HelpContent(help.replacing(old, with: new)) != content, "\(old)")
    }
  }

  @Test("the help is shown without arguments") func noArguments() async throws {
    let run = try await Program.run([])
    #expect(run.status == 0)
    #expect(run.output.contains("SUBCOMMANDS"))
  }

  @Test("the version is a semantic version") func version() async throws {
    let run = try await Program.run(["--version"])
    #expect(run.status == 0)
    #expect(run.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }
}

/// The content of a help text without its layout and usage line, which depend on the version of the parser.
private struct HelpContent: Equatable {
  /// The text before the usage.
  var overview = ""
  /// The headings in order.
  var sections: [String] = []
  /// The texts of options, arguments and subcommands by their names and values, as in `-o, --output <file>`.
  var entries: [String: String] = [:]

  init(_ help: String) {
    var (heading, indentation, open) = ("", Int.max, String?.none)
    for line in help.split(separator: "\n") {
      if let title = line.prefixMatch(of: /([A-Z][A-Z ]*):(?:\s|$)/) {
        (heading, indentation, open) = (String(title.1), .max, nil)
        if !["OVERVIEW", "USAGE"].contains(heading) { sections.append(heading) }
        if heading == "OVERVIEW" { overview = line[title.range.upperBound...].collapsed }
        continue
      }
      if heading == "OVERVIEW" { overview = (overview + " " + line).collapsed }
      guard !["", "OVERVIEW", "USAGE"].contains(heading) else { continue }
      // A line with the indentation of the section's first line begins an entry; a deeper one continues it.
      let depth = line.prefix { $0 == " " }.count
      indentation = min(indentation, depth)
      var rest = line.dropFirst(depth)
      if depth == indentation {
        let name = rest.prefixMatch(of: Self.name).map { String($0.output) }
        rest = rest.dropFirst(name?.count ?? 0)
        // A line without a name is a note below the entries.
        open = name
        if let name { entries[name] = "" }
      }
      if let open { entries[open] = ((entries[open] ?? "") + " " + rest).collapsed }
    }
  }

  /// Matches the name of an option with its value, of an argument, or of a subcommand.
  private static var name: Regex<Substring> {
    /(?:-[-a-zA-Z0-9]+(?:(?:, |\/)-[-a-zA-Z0-9]+)*(?: <[^>]+>)?|\[?<[^>]+>\]?|[a-z][-a-z0-9]*)(?=\s|$)/
  }
}

extension StringProtocol {
  /// The words separated by single spaces.
  fileprivate var collapsed: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
