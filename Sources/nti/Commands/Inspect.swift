internal import ArgumentParser
internal import Foundation
internal import NullTextInversion

/// Says what is in a file or a folder.
struct Inspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what is in a checkpoint, an inversion, or a picture that an edit wrote.",
    discussion: "Nothing is computed, and of weights only the headers are read.")

  @Argument(
    help: ArgumentHelp(
      "An inversion, a folder in the diffusers layout, the name of a model, or a picture.",
      valueName: "file|folder"))
  var item: String

  @Flag(help: "Print one line of JSON.")
  var json = false

  func run() async throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: item, isDirectory: &isFolder)
    guard exists, !isFolder.boolValue else {
      let report = try CheckpointContents(ModelOption.folder(named: item))
      try show(report, report.text)
      if let problem = report.firstProblem { throw problem }
      return
    }
    if try PictureContents.isPicture(item) {
      let report = try PictureContents(item)
      try show(report, report.text)
    } else {
      let report = try InversionContents(item)
      try show(report, report.text)
    }
  }

  private func show(_ report: some Encodable, _ text: String) throws {
    print(json ? try JSONText.line(report) : text)
  }
}

/// Lines of a name and a value each, the values under each other.
struct FactTable {
  private var facts: [(name: String, value: String)] = []

  /// Adds a line; nothing if there is no value.
  mutating func add(_ name: String, _ value: String?) {
    if let value { facts.append((name, value)) }
  }

  /// The lines, indented by two spaces.
  var text: String {
    let width = facts.map(\.name.count).max() ?? 0
    return facts.map { name, value in
      "  \(name)\(String(repeating: " ", count: width - name.count))  \(value)"
    }.joined(separator: "\n")
  }
}
