import Foundation
import NullTextInversion
import Testing

@Suite("nti tokens and maps") struct WordTests {
  @Test("tokens are listed with their words") func tokens() async throws {
    let report = try await Program.run(["tokens", "a hamburger", "--json"]).json()
    #expect(report.integer("count") == 5)
    #expect(report.integer("limit") == 77)
    let tokens = try #require(report["tokens"] as? [[String: Any]])
    #expect(tokens.map { $0["word"] as? String } == [nil, "a", "hamburger", "hamburger", nil])
    let text = try await Program.run(["tokens", "a hamburger"])
    #expect(text.output.split(separator: "\n").count == 6)
  }

  @Test("maps of a caption or of an edit are one contact sheet") func maps() async throws {
    let sample = try await Sample()
    let caption = try await sample.run("maps", "--json")
    #expect(caption.status == 0, "\(caption.errors)")
    #expect(try caption.json()["output"] as? String == "photo.maps.png")
    let word = try await sample.run("maps", "--word", "cat", "-o", "word.png")
    #expect(word.status == 0, "\(word.errors)")
    #expect(try sample.picture("word.png").width < sample.picture("photo.maps.png").width)
    let edit = try await sample.run(
      "maps", "--prompt", "a dog on a mat", "--self-steps", "1", "--per-step", "--word", "dog", "-o",
      "edit.png")
    #expect(edit.status == 0, "\(edit.errors)")
    #expect(try sample.picture("edit.png").width > 0)
  }

  @Test("unknown words and grids are rejected") func refusals() async throws {
    let sample = try await Sample()
    let names = try sample.scratch.names
    for (options, status, says) in [
      (["--word", "tiger"], 65, "cat"), (["--grid", "5"], 64, "--grid 5"), (["-o", "maps.gif"], 64, ".png"),
      (["--prompt", "a dog", "--self-steps", "0.1,0.2"], 64, "give one"),
    ] {
      let run = try await sample.run(["maps", "photo.nti", "--model", Sample.model] + options)
      #expect(run.status == Int32(status), "\(run.errors)")
      #expect(run.errors.contains(says), "\(run.errors)")
      #expect(try sample.scratch.names == names)
    }
  }
}
