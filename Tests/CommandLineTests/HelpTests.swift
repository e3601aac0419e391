import Foundation
import TestSupport
import Testing

@Suite("Help") struct HelpTests {
  @Test(
    "the help of every command is the one that is written down",
    arguments: [
      "nti", "invert", "edit", "reconstruct", "generate", "demo", "inspect", "maps", "tokens", "evaluate",
    ])
  func help(command: String) async throws {
    let run = try await Program.run(command == "nti" ? ["--help"] : [command, "--help"])
    #expect(run.status == 0)
    #expect(run.errors == "")
    // Written by Tools/write_help.sh; read the difference before you run it.
    let known = try Data(contentsOf: Fixtures.url("help/\(command).txt"))
    #expect(run.output == String(decoding: known, as: UTF8.self))
  }

  @Test("no argument at all shows the help") func nothing() async throws {
    let run = try await Program.run([])
    #expect(run.status == 0)
    #expect(run.output.contains("SUBCOMMANDS"))
  }

  @Test("the version is a semantic one") func version() async throws {
    let run = try await Program.run(["--version"])
    #expect(run.status == 0)
    #expect(run.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }
}
