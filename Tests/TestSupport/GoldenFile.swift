public import DiffusionCore
internal import Foundation
public import Tensor

/// A checkpoint with the results of diffusers for it (`Tools/write_golden.py`).
public struct GoldenFile: Sendable {
  /// The tensors as stored, channels first.
  public let file: SafetensorsFile
  /// The checkpoint of the results.
  public let checkpoint: Checkpoint

  /// The names of all checkpoints with such a file: the demo model, and tiny random ones of other architectures.
  public static let names = ["emoji", "four-levels", "linear-v", "plain-first", "sharded"]

  /// Opens the golden file of a checkpoint.
  public init(_ name: String) throws {
    file = try SafetensorsFile(contentsOf: Fixtures.url("golden/\(name).safetensors"))
    let emoji = Fixtures.url("../../Sources/EmojiScenes/Resources").standardized
    checkpoint = try Checkpoint(name == "emoji" ? emoji : Fixtures.url("models/\(name)"))
  }

  /// Returns a tensor as stored.
  public func tensor(_ name: String) throws -> Tensor { try file.tensor(named: name) }

  /// Returns a latent, a picture or features as height x width x channels.
  public func image(_ name: String) throws -> Tensor { try tensor(name).channelsLast() }

  /// Returns a single number.
  public func number(_ name: String) throws -> Float { try tensor(name).scalars[0] }

  /// Returns the prefixes `name.0`, `name.1`, … that have a tensor called `member`.
  public func cases(_ name: String, member: String) -> [String] {
    (0..<100).map { "\(name).\($0)" }.filter { file.contains("\($0).\(member)") }
  }
}
