internal import ArgumentParser
internal import DiffusionCore
internal import Foundation
internal import NullTextInversion

/// Describes a file or a folder.
struct Inspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Describe a checkpoint, a LoRA, an inversion or a picture.",
    discussion: """
      Reads only the headers of weights, and estimates memory and time. With --check, reads everything, one network at \
      a time; the exit code tells whether everything is valid.
      """)

  @Argument(
    help: ArgumentHelp(
      "An inversion, the folder, file or name of a model, a LoRA, or a picture.", valueName: "file|folder"))
  var item: String

  @Flag(help: "Read everything, and fail for values that are not finite and tensors of wrong shapes.")
  var check = false

  @Flag(help: "Print the result as one line of JSON.")
  var json = false

  @OptionGroup(title: "Changes to the model") var changes: ModelOption.Changes

  func run() async throws {
    var isFolder: ObjCBool = false
    let isFile =
      FileManager.default.fileExists(atPath: item, isDirectory: &isFolder) && !isFolder.boolValue
    let url = try isFile ? URL(fileURLWithPath: item) : ModelOption.url(named: item)
    if !isFile, let model = ForeignModel(folder: url) { return try inspect(model) }
    switch isFile ? try FileKind(of: url) : nil {
    case .picture: try show(PictureContents(item))
    case .inversion(let file):
      let report = try InversionContents(item, file)
      try show(report)
      if check, report.isComplete { _ = try Inversion(contentsOf: url) }
    case .lora(let file): try show(LoRAContents(item, LoRASummary(file, checksValues: check)))
    case .foreign(let model): try inspect(model)
    case .networks, nil: try inspect(checkpoint: url)
    }
  }

  private func inspect(_ model: ForeignModel) throws {
    try show(ForeignContents(item, model))
    throw model.error
  }

  private func inspect(checkpoint url: URL) throws {
    let report = try CheckpointContents(url, changes.options)
    try show(report)
    if let problem = report.firstProblem { throw problem }
    guard check else { return }
    _ = try DiffusionModel(Checkpoint(url, options: changes.options), options: ModelOptions(keptParts: []))
  }

  private func show(_ report: some Contents) throws {
    print(json ? try JSONText.line(report) : report.text)
  }
}

/// The description of a file or a folder, as JSON and as text.
protocol Contents: Encodable {
  var text: String { get }
}

/// Lines of a name and a value each, with the values aligned.
struct FactTable {
  private var facts: [(name: String, value: String)] = []

  /// Adds a line; does nothing if `value` is nil.
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
