import Foundation
import NullTextInversion
import Testing

@Suite("Pages") struct PagesTests {
  @Test("All pages and documentation comments are found")
  func found() {
    let paths = Set(Page.all.map(\.path))
    #expect(paths.isSuperset(of: ["README.md", "CHANGELOG.md", "Docs/Editing.md"]))
    #expect(paths.contains { $0.hasSuffix("NullTextInversion.docc/NullTextInversion.md") })
    #expect(Page.comments.contains { $0.path.hasSuffix("ImageEditor.swift") && !$0.swiftBlocks.isEmpty })
  }

  @Test(
    "Swift code is part of a compiled snippet",
    arguments: (Page.all + Page.comments).filter { !$0.swiftBlocks.isEmpty })
  func code(page: Page) throws {
    let snippets = try Snippet.all()
    for block in page.swiftBlocks {
      #expect(
        snippets.contains { $0.contains(block) }, "\(page.path) has code that is in no snippet:\n\(block)")
    }
  }

  @Test(
    "Links lead to files and headings that exist", arguments: Page.all.filter { !$0.relativeLinks.isEmpty })
  func links(page: Page) throws {
    for link in page.relativeLinks {
      let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
      let folder = page.url.deletingLastPathComponent()
      let target = parts[0].isEmpty ? page.url : folder.appendingPathComponent(String(parts[0]))
      #expect(FileManager.default.fileExists(atPath: target.path), "\(page.path) links to \(link)")
      guard parts.count == 2, target.pathExtension == "md" else { continue }
      let path = target.standardizedFileURL.path
      let targetPage = Page.all.first { $0.url.standardizedFileURL.path == path }
      #expect(targetPage?.anchors.contains(String(parts[1])) == true, "\(page.path) links to \(link)")
    }
  }

  @Test("The library, the changelog and the citation state the same version")
  func version() throws {
    let changelog = try #require(Page.all.first { $0.path == "CHANGELOG.md" })
    let release = try #require(changelog.text.firstMatch(of: /(?m)^## \[(\d+\.\d+\.\d+)\]/))
    #expect(release.1 == libraryVersion)
    let citation = try String(contentsOf: Page.root.appendingPathComponent("CITATION.cff"), encoding: .utf8)
    #expect(citation.contains("\nversion: \(libraryVersion)\n"))
  }
}

/// A source file of the program `PageSnippets`.
struct Snippet {
  private let lines: [String]

  static func all() throws -> [Snippet] {
    let folder = Page.root.appendingPathComponent("Documentation/Sources/PageSnippets")
    return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "swift" }
      .map { Snippet(try String(contentsOf: $0, encoding: .utf8)) }
  }

  init(_ text: String) { lines = Self.significant(text) }

  /// Returns whether the file contains the block's imports, and its other lines consecutively.
  ///
  /// Spacing and empty lines are ignored.
  func contains(_ block: String) -> Bool {
    let block = Self.significant(block)
    let imports = block.filter { $0.hasPrefix("import ") }
    let code = block.filter { !$0.hasPrefix("import ") }
    guard !block.isEmpty, imports.allSatisfy(lines.contains) else { return false }
    return code.isEmpty || lines.indices.contains { lines[$0...].starts(with: code) }
  }

  private static func significant(_ text: String) -> [String] {
    text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }.filter { !$0.isEmpty }
  }
}
