import Foundation
import Testing

/// A Markdown page of the repository, or the documentation comments of a Swift file.
struct Page: CustomTestStringConvertible, Sendable {
  /// The path from the root of the repository.
  let path: String
  let text: String

  var testDescription: String { path }
  var url: URL { Self.root.appendingPathComponent(path) }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// All Markdown pages of the repository.
  static let all = files(withExtension: "md")

  /// The documentation comments of the library's Swift files.
  static let comments = files(withExtension: "swift").filter { $0.path.hasPrefix("Sources/") }.map { file in
    let lines = file.text.split(separator: "\n").map { $0.drop { $0 == " " } }
    let comments = lines.map { $0.hasPrefix("///") ? String($0.dropFirst(4)) : "" }
    return Page(path: file.path, text: comments.joined(separator: "\n"))
  }

  /// Returns the files of the repository, except in hidden folders such as those of builds.
  private static func files(withExtension pathExtension: String) -> [Page] {
    let files = FileManager.default.enumerator(
      at: root, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
    return (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == pathExtension }
      .compactMap { url in
        let path = String(url.standardizedFileURL.path.dropFirst(root.standardizedFileURL.path.count + 1))
        return (try? String(contentsOf: url, encoding: .utf8)).map { Page(path: path, text: $0) }
      }
      .sorted { $0.path < $1.path }
  }

  /// The lines of the text, with the language of the code block that each is in: nil outside of blocks.
  private var lines: [(line: Substring, language: Substring?)] {
    var language: Substring?
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let trimmed = line.drop { $0 == " " }
      guard trimmed.hasPrefix("```") else { return (line, language) }
      language = language == nil ? trimmed.dropFirst(3) : nil
      return ("", language)
    }
  }

  /// The blocks of Swift code.
  var swiftBlocks: [String] {
    var blocks: [String] = []
    var isInBlock = false
    for (line, language) in lines {
      guard language == "swift" else {
        isInBlock = false
        continue
      }
      if isInBlock {
        blocks[blocks.count - 1] += line + "\n"
      } else {
        blocks.append("")
        isInBlock = true
      }
    }
    return blocks
  }

  private var prose: [Substring] { lines.filter { $0.language == nil }.map(\.line) }

  /// The targets of the links to other files or headings, such as `Editing.md#recipes`.
  var relativeLinks: [String] {
    prose.flatMap { $0.matches(of: /\]\(([^()\s]+)\)/).map { String($0.1) } }
      .filter { !$0.contains("://") && !$0.hasPrefix("doc:") && !$0.hasPrefix("mailto:") }
  }

  /// The anchors of the headings, as GitHub forms them.
  var anchors: Set<String> {
    var counts: [String: Int] = [:]
    var anchors: Set<String> = []
    for line in prose where line.hasPrefix("#") {
      let title = line.drop { $0 == "#" }.dropFirst().lowercased()
      let kept = title.filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
      let anchor = kept.replacingOccurrences(of: " ", with: "-")
      let count = counts[anchor, default: 0]
      counts[anchor] = count + 1
      anchors.insert(count == 0 ? anchor : "\(anchor)-\(count)")
    }
    return anchors
  }
}
