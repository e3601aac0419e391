public import DiffusionCore
public import Foundation

/// A copy of a checkpoint of `Tests/Fixtures/models`, to be changed by a test.
public struct CheckpointCopy: Sendable {
  private let folder: ScratchFolder

  /// Where the copy is.
  public let url: URL

  /// A copy of the checkpoint of a name.
  public init(of name: String) throws {
    folder = try ScratchFolder()
    url = folder("model")
    try FileManager.default.copyItem(at: Fixtures.url("models/\(name)"), to: url)
  }

  /// Sets values of a JSON file, such as `unet/config.json`.
  public func set(_ values: [String: any Sendable], in path: String) throws {
    let file = url.appending(path: path)
    var json = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
    for (key, value) in values { json[key] = value }
    try JSONSerialization.data(withJSONObject: json).write(to: file)
  }

  /// Reads the model.
  public func model() throws -> DiffusionModel { try DiffusionModel(.directory(url)) }
}
