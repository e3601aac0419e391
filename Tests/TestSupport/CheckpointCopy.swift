public import DiffusionCore
public import Foundation

/// A copy of a checkpoint in `Tests/Fixtures/models` that a test can change.
public struct CheckpointCopy: Sendable {
  private let folder: ScratchFolder

  /// The folder of the copy.
  public let url: URL

  /// Copies the checkpoint with the given name.
  public init(of name: String) throws {
    folder = try ScratchFolder()
    url = folder("model")
    try FileManager.default.copyItem(at: Fixtures.url("models/\(name)"), to: url)
  }

  /// Sets values in a JSON file, such as `unet/config.json`.
  public func set(_ values: [String: any Sendable], in path: String) throws {
    let file = url.appending(path: path)
    var json = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
    for (key, value) in values { json[key] = value }
    try JSONSerialization.data(withJSONObject: json).write(to: file)
  }

  /// Overwrites a scalar in a safetensors file, in the precision of the file.
  public func set(_ number: Float, of tensor: String, at index: Int = 0, in path: String) throws {
    struct Entry: Decodable {
      let dtype: String
      let data_offsets: [Int]
    }
    let file = url.appending(path: path)
    var bytes = try Data(contentsOf: file)
    let headerLength = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONSerialization.jsonObject(with: bytes[8..<8 + headerLength]) as? [String: Any] ?? [:]
    let entry = try JSONDecoder().decode(
      Entry.self, from: JSONSerialization.data(withJSONObject: header[tensor] ?? [:]))
    let pattern: [UInt8] =
      switch entry.dtype {
      case "F32": withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
      case "F16": withUnsafeBytes(of: Float16(number).bitPattern.littleEndian) { Array($0) }
      case "BF16": withUnsafeBytes(of: UInt16(number.bitPattern >> 16).littleEndian) { Array($0) }
      default: fatalError("\(entry.dtype) is not a type of the fixtures' weights")
      }
    let start = 8 + headerLength + entry.data_offsets[0] + index * pattern.count
    bytes.replaceSubrange(start..<start + pattern.count, with: pattern)
    try bytes.write(to: file)
  }

  /// Reads the model.
  public func model() throws -> DiffusionModel { try DiffusionModel(.directory(url)) }
}
